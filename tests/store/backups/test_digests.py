"""A table's digest changes with any cell, and with nothing else."""

from __future__ import annotations

import math
from contextlib import closing

import pytest
import sqlcipher3.dbapi2 as driver
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlmcsc.errors import StoreError
from mlmcsc.store.backups.digests import digests_of, table_digests
from mlmcsc.store.backups.sqlite_digests import digest

SCHEMAS = {
    "integer key": "CREATE TABLE t(k INTEGER PRIMARY KEY, i INTEGER, r FLOAT, s TEXT, b BLOB, n)",
    "text key": "CREATE TABLE t(k TEXT PRIMARY KEY, i INTEGER, r FLOAT, s TEXT, b BLOB, n)",
}
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
values = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.floats(0, 1),
    texts,
    st.binary(max_size=12),
)
rows = st.tuples(values, values, values, values, values)
COLUMNS = "irsbn"


def _database(schema, *stored):
    connection = driver.connect(":memory:", isolation_level=None)
    connection.execute(schema)
    for key, row in enumerate(stored, 1):
        connection.execute("INSERT INTO t VALUES (?,?,?,?,?,?)", (key, *row))
    return connection


def _as_kept(connection):
    """What SQLite made of the values: columns have affinities."""
    kinds = ", ".join(f"typeof({c})" for c in COLUMNS)
    found = connection.execute(f"SELECT {kinds}, {', '.join(COLUMNS)} FROM t ORDER BY k").fetchall()
    return [tuple(map(repr, row)) for row in found]


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
@settings(deadline=None, max_examples=30)
@given(row=rows, place=st.integers(0, 4), other=values)
@example(row=(None,) * 5, place=3, other="")
@example(row=("",) * 5, place=3, other=b"")
@example(row=(None,) * 5, place=2, other=b"\0")  # in SQLite's JSONB this is null
@example(row=(0,) * 5, place=4, other=0.0)
@example(row=(0,) * 5, place=4, other="0")
@example(row=("a\0b",) * 5, place=2, other="a\0c")
@example(row=(b"a\0b",) * 5, place=3, other=b"a\0c")
@example(row=("a\nb",) * 5, place=2, other="a\\nb")
@example(row=(0.1,) * 5, place=1, other=math.nextafter(0.1, 1))
@example(row=(1e-13,) * 5, place=1, other=math.nextafter(1e-13, 1))
@example(row=(1e-12,) * 5, place=1, other=math.nextafter(1e-12, 1))
@example(row=(2e9,) * 5, place=1, other=math.nextafter(2e9, 0))
@example(row=(math.inf,) * 5, place=1, other=-math.inf)
def test_two_tables_have_one_digest_just_when_they_hold_the_same(schema, row, place, other):
    changed = (*row[:place], other, *row[place + 1 :])
    with closing(_database(schema, row)) as one, closing(_database(schema, changed)) as two:
        assert (digest(one, "t") == digest(two, "t")) == (_as_kept(one) == _as_kept(two))


@settings(deadline=None, max_examples=30)
@given(low=st.floats(1e-14, 1e10), up=st.booleans())
def test_neighbouring_reals_have_different_digests(low, up):
    near = math.nextafter(low, math.inf if up else 0)
    schema = SCHEMAS["integer key"]
    with (
        closing(_database(schema, (0, low, "", b"", 0))) as one,
        closing(_database(schema, (0, near, "", b"", 0))) as two,
    ):
        assert digest(one, "t") != digest(two, "t")


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_what_moves_between_cells_or_rows_changes_the_digest(schema):
    cases = [
        [(1, 0.5, "ab", b"cd", None), (2, 0.5, "", b"", None)],
        [(1, 0.5, "a", b"bcd", None), (2, 0.5, "", b"", None)],
        [(1, 0.5, "", b"", None), (2, 0.5, "ab", b"cd", None)],
        [(1, 0.5, "ab", b"c", None), (2, 0.5, "", b"d", None)],
        [(1, 0.5, "ab", b"cd", None)],
    ]
    found = set()
    for case in cases:
        with closing(_database(schema, *case)) as made:
            found.add(digest(made, "t").sha256)
    assert len(found) == len(cases)


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_text_that_is_no_utf_8_is_told_apart_too(schema):
    found = set()
    for raw in ("FF", "FE", "C3BF", "EDB3BF", "FF00"):
        with closing(_database(schema, (1, 0.5, "x", b"", None))) as made:
            made.execute(f"UPDATE t SET s = CAST(x'{raw}' AS TEXT)")
            found.add(digest(made, "t").sha256)
    assert len(found) == 5


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_neither_vacuum_nor_the_order_of_insertion_nor_page_size_changes_the_digest(
    schema, tmp_path
):
    content = [(n, n / 7, f"text {n}", bytes([n % 256]) * (n % 300), None) for n in range(3000)]
    found = []
    for page_size, order in ((4096, 1), (16384, -1)):
        with closing(driver.connect(str(tmp_path / f"{page_size}.db"))) as made:
            made.execute(f"PRAGMA page_size = {page_size}")
            made.execute(schema)
            keyed = [(f"{n:05d}" if "k TEXT" in schema else n, *r) for n, r in enumerate(content)]
            made.executemany("INSERT INTO t VALUES (?,?,?,?,?,?)", keyed[::order])
            made.commit()
            found.append(digest(made, "t"))
            made.execute("DELETE FROM t WHERE i % 3 = 0")
            made.commit()
            found.append(digest(made, "t"))
            made.execute("VACUUM")
            found.append(digest(made, "t"))
    first, fewer, vacuumed = found[:3]
    assert found == [first, fewer, vacuumed] * 2
    assert fewer == vacuumed
    assert (first.rows, fewer.rows) == (3000, 2000)
    assert first.sha256 != fewer.sha256


def test_digests_of_known_rows_are_these():
    """Backups of years ago are compared with what a newer SQLite and Python make of them."""
    row = (7, 1 / 3, 'Kerbschlag "µ"\t\0', b"\x00\xff", -1.5)
    found = []
    for schema in SCHEMAS.values():
        with closing(_database(schema, row, (None,) * 5)) as made:
            found.append(digest(made, "t").sha256)
    assert found == [
        "4b3e9a45961944783c0c8d4aaab2188945c4d6303a1fdb89df27766a311a2ff2",
        "271bc69e439b7fc362187c64a8c69f43a2febe3c7f3fa66bfec0a1eee315a1ba",
    ]


def test_every_table_has_a_digest_and_any_change_shows_in_its_own(db, sql):
    with db._database.store.read() as view:
        before = table_digests(view)
    sql("UPDATE model_versions SET name = 'another'")
    with db._database.store.read() as view:
        after = table_digests(view)
    assert set(before) > {"images", "labels", "settings", "alembic_version", "split_links"}
    assert {name for name in before if before[name] != after[name]} == {"model_versions"}


def test_data_keys_are_no_part_of_the_digest(db, sql):
    db.register_technician("tech_001", "Anna Muster")
    with db._database.store.read() as view:
        before = table_digests(view)
    sql("UPDATE subjects SET wrapped_key = NULL, key_id = NULL")
    with db._database.store.read() as view:
        assert table_digests(view) == before
    sql("UPDATE subjects SET identifier = 'another' WHERE identifier = 'tech_001'")
    with db._database.store.read() as view:
        assert table_digests(view)["subjects"] != before["subjects"]


def test_one_changed_bit_of_one_vector_shows(db, sql, draw):
    image = db.store_image(draw("a.png"))
    db.store_features(image, "cnn", [0.5, 0.25, 0.125], "v1")
    with db._database.store.read() as view:
        before = table_digests(view)
    (vector,) = sql("SELECT feature_vector FROM features")[0]
    changed = bytes([vector[0] ^ 1]) + bytes(vector[1:])
    sql("UPDATE features SET feature_vector = :vector", vector=changed)
    with db._database.store.read() as view:
        after = table_digests(view)
    assert {name for name in before if before[name] != after[name]} == {"features"}


def test_a_database_that_nobody_has_open_is_read_by_its_url(db, url):
    with db._database.store.read() as view:
        expected = table_digests(view)
    assert digests_of(url) == expected


def test_what_cannot_be_read_is_told(tmp_path):
    (tmp_path / "noise.db").write_bytes(b"no database" * 1000)
    for name in ("absent.db", "noise.db"):
        with pytest.raises(StoreError, match=name):
            digests_of(tmp_path / name)
    assert not (tmp_path / "absent.db").exists()
