"""Archives on disk: exact, signed, whole or not there at all."""

from __future__ import annotations

import hashlib
import random
import shutil
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlmcsc.adapters.archives import ArchiveFolder, find_rows, read_rows, write_rows
from mlmcsc.adapters.archives.folder import MANIFEST
from mlmcsc.adapters.crypto import PycaCryptography
from mlmcsc.domain.archives import Manifest, RowsDigest, read_manifest
from mlmcsc.errors import ConflictError, IntegrityError, StoreError, UnsupportedError

CRYPTO = PycaCryptography()
SEED, OTHER = bytes(range(32)), bytes(32)
NAME = "predictions-20260101T000000Z-0a1b2c"
COLUMNS = {
    "id": "integer",
    "image_id": "integer",
    "value": "real",
    "notes": "text",
    "raw": "json",
    "good": "flag",
    "at": "time",
    "vector": "binary",
}
AT = datetime(2020, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC)


def a_row(number):
    raw = '{"b":1.0, "a": 1}' if number % 2 else None
    return (number, number // 2, number / 7, f"nöte {number}", raw, number % 3 == 0, AT, b"\0\xff")


def chunks(n, size=4):
    rows = [a_row(k) for k in range(1, n + 1)]
    return [rows[at : at + size] for at in range(0, n, size)]


def signed_by(seed):
    return lambda message: ("0" * 16, CRYPTO.public_key(seed), CRYPTO.sign(seed, message))


@pytest.fixture
def folder(tmp_path):
    found = ArchiveFolder(tmp_path / "lab.db.archive")
    found.root.mkdir()
    return found


def archived(folder, n=10, seed=SEED, **other):
    """Make an archive; returns its manifest and the digest that a database would remember."""
    draft = folder.draft(NAME)
    file = write_rows(draft / "predictions.parquet", "predictions", COLUMNS, chunks(n))
    facts = {
        "name": NAME,
        "version": 1,
        "database_id": "d1",
        "schema_revision": "0002",
        "table": "predictions",
        "older_than": "2021-01-01T00:00:00.000000Z",
        "created_at": "2026-01-01T00:00:00.000000Z",
        "n_rows": n,
        "first_id": 1,
        "last_id": n,
        "oldest": "2020-01-01T00:00:00.000000Z",
        "newest": "2020-01-01T00:00:00.000000Z",
        "files": (file,),
    }
    manifest = Manifest(**facts | other)
    folder.check_draft(manifest)
    raw = manifest.signed(signed_by(seed))
    folder.publish(NAME, raw)
    return manifest, hashlib.sha256(raw).hexdigest()


def check(folder, remembered, *, rows=True):
    public = CRYPTO.public_key(SEED)
    return folder.check(NAME, remembered, "d1", public, CRYPTO.verify, rows=rows)


def test_what_comes_back_is_exactly_what_went_in(folder):
    manifest, remembered = archived(folder)
    assert check(folder, remembered) == manifest
    path = folder.place(NAME) / "predictions.parquet"
    assert list(read_rows(path, COLUMNS)) == chunks(10)


VALUES = st.tuples(
    st.integers(-(2**63), 2**63 - 1),
    st.integers(1, 9),
    st.floats(allow_nan=False) | st.none(),
    st.text(st.characters(codec="utf-8")) | st.none(),
    st.text(st.characters(codec="utf-8")) | st.none(),
    st.booleans() | st.none(),
    st.datetimes(timezones=st.just(UTC)) | st.none(),
    st.binary() | st.none(),
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(VALUES, min_size=1, max_size=20))
def test_any_values_come_back_as_they_were(tmp_path, rows):
    path = tmp_path / "any.parquet"
    path.unlink(missing_ok=True)
    written = write_rows(path, "predictions", COLUMNS, [rows])
    (found,) = read_rows(path, COLUMNS)
    assert found == rows
    digest = RowsDigest()
    digest.update(found)
    assert (written.n_rows, written.rows_sha256) == (len(rows), digest.hexdigest())


def test_the_digest_of_rows_does_not_depend_on_how_they_are_cut():
    digests = set()
    for size in (1, 3, 10):
        digest = RowsDigest()
        for chunk in chunks(10, size):
            digest.update(chunk)
        digests.add(digest.hexdigest())
    assert len(digests) == 1


def test_rows_are_found_by_id_and_by_image(folder):
    archived(folder)
    path = folder.place(NAME) / "predictions.parquet"
    assert [row["id"] for row in find_rows(path, COLUMNS, image_id=3)] == [6, 7]
    assert find_rows(path, COLUMNS, id=99) == []


def test_a_value_of_the_wrong_kind_is_told_without_the_value(tmp_path):
    row = (1, 1, "canary", None, None, None, None, None)
    with pytest.raises(IntegrityError, match="database validate") as caught:
        write_rows(tmp_path / "x.parquet", "predictions", COLUMNS, [[row]])
    assert "canary" not in str(caught.value)


def test_a_full_or_closed_disk_is_a_clear_error(tmp_path):
    with pytest.raises(StoreError, match="Check free space"):
        write_rows(tmp_path / "no" / "x.parquet", "predictions", COLUMNS, chunks(1))


def test_every_changed_byte_is_found(folder):
    _, remembered = archived(folder)
    chosen = random.Random(7)  # noqa: S311  # places to damage, not secrets
    for name in (MANIFEST, "predictions.parquet"):
        path = folder.place(NAME) / name
        sound = path.read_bytes()
        for _ in range(200):
            at, bit = chosen.randrange(len(sound)), 1 << chosen.randrange(8)
            path.write_bytes(sound[:at] + bytes([sound[at] ^ bit]) + sound[at + 1 :])
            with pytest.raises(IntegrityError, match=str(path)):
                check(folder, remembered, rows=False)
        path.write_bytes(sound)
    check(folder, remembered)


@pytest.mark.parametrize("name", [MANIFEST, "predictions.parquet"])
@pytest.mark.parametrize("left", [0, 1, 100, None])
def test_a_truncated_or_missing_file_is_named_with_the_repair(folder, name, left):
    _, remembered = archived(folder)
    path = folder.place(NAME) / name
    if left is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(IntegrityError, match=rf"{path}.*[Pp]ut the archive's folder back"):
        check(folder, remembered)


def test_an_archive_of_another_database_is_told_as_such(folder):
    _, remembered = archived(folder, database_id="d2")
    with pytest.raises(IntegrityError, match=r"another database \(d2\)"):
        check(folder, remembered)


def test_a_forger_who_knows_the_digest_cannot_sign(folder):
    _, remembered = archived(folder, seed=OTHER)
    with pytest.raises(IntegrityError, match="does not bear this database's signature"):
        check(folder, remembered)


def test_another_archive_in_the_place_of_this_one_is_found(folder):
    _, remembered = archived(folder)
    folder.remove(NAME)
    archived(folder, n=9)
    with pytest.raises(IntegrityError, match="not the one that was signed here"):
        check(folder, remembered)


def test_the_signature_covers_every_field_of_the_manifest(folder):
    manifest, _ = archived(folder)
    _, public, signature = read_manifest((folder.place(NAME) / MANIFEST).read_bytes())
    assert CRYPTO.verify(public, signature, manifest.message())
    for name, value in (("n_rows", 11), ("first_id", 2), ("version", 2), ("newest", "x")):
        other = replace(manifest, **{name: value})
        assert not CRYPTO.verify(public, signature, other.message())


@pytest.mark.parametrize("path", ["../x", "/etc", "labels", f"{NAME}/../..", f"{NAME}\n", ""])
def test_a_folder_s_name_never_leads_elsewhere(folder, path):
    with pytest.raises(IntegrityError, match="never makes"):
        folder.place(path)


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b"[]", b"null", b'{"signature": 1, "files": []}', b"\xff" * 99]
)
def test_what_is_no_manifest_is_told(raw):
    with pytest.raises(IntegrityError, match="not a manifest"):
        read_manifest(raw)


def test_a_draft_is_no_archive_and_is_removed_with_its_content(folder):
    draft = folder.draft(NAME)
    (draft / "predictions.parquet").write_bytes(b"canary" * 100)
    kept = draft.parent / "kept"
    (kept).hardlink_to(draft / "predictions.parquet")
    assert folder.present() == set()
    assert folder.remove(NAME)
    assert not draft.exists()
    assert kept.read_bytes() == bytes(600)  # overwritten, not only unlinked
    assert not folder.remove(NAME)


def test_a_link_in_an_archive_is_unlinked_not_followed(folder, tmp_path):
    archived(folder)
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (folder.place(NAME) / "extra").symlink_to(precious)
    folder.remove(NAME)
    assert precious.read_text() == "mine"


def test_two_writers_of_archives_do_not_meet(folder, monkeypatch):
    monkeypatch.setattr("mlmcsc.adapters.archives.folder.WAIT_SECONDS", 0.05)
    other = ArchiveFolder(folder.root)
    with (
        folder.locked(),
        pytest.raises(ConflictError, match="Another process"),
        other.locked(),
    ):
        pass
    with other.locked():
        pass


def test_without_a_folder_the_setting_is_named():
    with pytest.raises(UnsupportedError, match=r"retention\.archive_directory"):
        ArchiveFolder(None).root.exists()
    assert ArchiveFolder(None).present() == set()


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "file").touch()
    folder = ArchiveFolder(tmp_path / "file" / "archives")
    with pytest.raises(StoreError, match="Cannot use"), folder.locked():
        pass


def test_an_archive_survives_being_moved_with_its_folder(folder, tmp_path):
    _, remembered = archived(folder)
    shutil.move(folder.root, tmp_path / "elsewhere")
    check(ArchiveFolder(tmp_path / "elsewhere"), remembered)
