"""Leaves of many rows at once are those of the documented format, one by one."""

import hashlib

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmcsc.adapters.versions import leaves, root_of, row_schema
from mlmcsc.domain.audit.merkle import ProvingTree
from mlmcsc.domain.versions.rows import FrozenRow, State, leaf
from mlmcsc.errors import IntegrityError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
IDS = st.lists(st.integers(1, 2**63 - 1), max_size=4)
SIZE = st.none() | st.integers(1, 2**31 - 1)
ROWS = st.lists(
    st.builds(
        FrozenRow,
        image_id=st.integers(1, 2**63 - 1),
        content_hash=st.none() | st.binary(min_size=32, max_size=32),
        path=TEXT,
        specimen_id=st.none() | TEXT,
        width=SIZE,
        height=SIZE,
        label=st.floats(allow_nan=False, allow_infinity=False),
        split=st.integers(0, 2),
        label_ids=IDS,
        technician_ids=IDS,
        annotation=st.none() | TEXT,
        detection=st.none() | TEXT,
    ),
    max_size=8,
)


REDACTED = dict.fromkeys(("label", "label_ids", "technician_ids", "annotation", "salt")) | {
    "state": State.REDACTED
}
KEPT = (
    {"label": 0.5},
    {"label_ids": [1]},
    {"technician_ids": [1]},
    {"annotation": "{}"},
    {"salt": bytes(16)},
)


@given(ROWS, st.binary(min_size=16, max_size=16), st.integers(0, 3))
def test_a_batch_has_the_leaves_of_its_rows_also_when_it_is_a_slice(make, rows, salt, skipped):
    found = leaves(make.batch(*(make.stored(row, salt) for row in rows)).slice(skipped))
    assert found == [leaf(salt, row) for row in rows[skipped:]]


def test_the_leaf_is_the_hash_that_the_format_describes(make):
    row = make.frozen(7, 0.25, specimen_id="S-1", label_ids=[3], technician_ids=[2], split=1)
    message = (
        b"\x00" + b"s" * 16 + b"mlmcsc-row-1"
        b"\x07\0\0\0\0\0\0\0" + b"\0\0\0\0\0\0\xd0\x3f" + b"\x01" + b"\x40\0\0\0" + b"\x30\0\0\0"
        b"\x20\0\0\0" + b"\x0b\0\0\0" + b"\x03\0\0\0" + b"\x08\0\0\0" * 2 + b"\xff\xff\xff\xff" * 2
        + b"\x07" * 32 + b"/data/7.png" + b"S-1" + b"\x03\0\0\0\0\0\0\0" + b"\x02\0\0\0\0\0\0\0"
    )  # fmt: skip
    assert leaf(b"s" * 16, row) == hashlib.sha256(message).digest()


def test_a_redacted_row_keeps_its_leaf_and_the_root_stays(make):
    rows = [make.frozen(i, i / 10) for i in range(1, 6)]
    before = make.batch(*(make.stored(row, bytes([i]) * 16) for i, row in enumerate(rows)))
    kept = leaves(before)[2]
    gone = {"label": None, "label_ids": None, "technician_ids": None, "annotation": None}
    redacted = rows[2].to_dict() | gone | {"salt": None, "state": State.REDACTED, "leaf": kept}
    after = make.batch(
        *(before.slice(i, 1).to_pylist()[0] if i != 2 else redacted for i in range(5))
    )
    assert root_of([before]) == (ProvingTree(b"".join(leaves(before))).root().hex(), 5, 0)
    assert root_of([after.slice(0, 2), after.slice(2)]) == (root_of([before])[0], 5, 1)


@pytest.mark.parametrize("column", ["salt", "label", "label_ids", "split"])
def test_a_row_without_what_its_leaf_is_made_of_is_damage(make, column):
    with pytest.raises(IntegrityError, match="Restore"):
        leaves(make.batch(make.stored(make.frozen(1)) | {column: None}))


def test_a_redacted_row_without_a_leaf_is_damage(make):
    with pytest.raises(IntegrityError, match="without its leaf"):
        leaves(make.batch(make.stored(make.frozen(1)) | REDACTED))


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"state": 7}, "unknown state"),
        ({"state": State.GONE}, "unknown state"),
        ({"label": float("nan")}, "finite"),
        ({"salt": b"short"}, "16 bytes"),
        ({"split": 3}, "split"),
        ({"leaf": bytes(32)}, "leaf of a redacted"),
        *((REDACTED | {"leaf": bytes(32)} | kept, next(iter(kept))) for kept in KEPT),
    ],
)
def test_what_mlmcsc_never_writes_is_damage_to_every_reader(make, folder, values, what):
    batch = make.batch(make.stored(make.frozen(1)) | values)
    with pytest.raises(IntegrityError, match=what):
        leaves(batch)
    with pytest.raises(IntegrityError, match=what):
        folder.read([folder.write([batch])])


@pytest.mark.parametrize("ids", [(2, 1), (1, 1)])
def test_rows_out_of_order_or_twice_are_damage(make, ids):
    with pytest.raises(IntegrityError, match="order"):
        root_of([make.batch(*(make.stored(make.frozen(i)) for i in ids))])


def test_no_rows_have_the_root_of_the_empty_tree():
    assert root_of([pa.RecordBatch.from_pylist([], schema=row_schema())]) == (
        hashlib.sha256(b"").hexdigest(),
        0,
        0,
    )
