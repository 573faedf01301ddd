"""The leaves of many rows at once, as `mlmcsc.domain.versions.rows.leaf` makes one.

The messages are put together by Arrow, a batch at a time; only the hashing itself goes row by row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mlmcsc.adapters.versions.sound import damaged, refuse_unsound
from mlmcsc.domain.audit.merkle import HASH_BYTES, GrowingTree
from mlmcsc.domain.versions.rows import FORMAT, LEAF_MARK, UNKNOWN, State

_NUMBERS = np.dtype(
    [("image_id", "<i8"), ("label", "<f8"), ("split", "u1"), ("width", "<i4"), ("height", "<i4")]
)
_PARTS = (
    "content_hash",
    "path",
    "specimen_id",
    "label_ids",
    "technician_ids",
    "annotation",
    "detection",
)
_HEAD = np.dtype([("numbers", _NUMBERS), ("lengths", "<i4", (len(_PARTS),))])


def leaves(batch: Any) -> list[bytes]:
    """The leaf of each row, 32 bytes: computed of a row that is present, kept of a redacted one.

    Args:
        batch: A `pyarrow.RecordBatch` with every column of `row_schema`, no row of it gone.

    Raises:
        IntegrityError: A row lacks what its leaf is made of, or is not such as mlmcsc writes.
    """
    import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions

    refuse_unsound(batch, base=True)
    state = batch.column("state").to_numpy(zero_copy_only=False)
    present = state == State.PRESENT
    if present.all():
        return _computed(batch)
    computed = iter(_computed(batch.filter(pa.array(present))))
    kept = batch.column("leaf").to_pylist()
    found = [next(computed) if here else leaf for here, leaf in zip(present, kept, strict=True)]
    if any(leaf is None or len(leaf) != HASH_BYTES for leaf in found):
        raise damaged("a redacted row without its leaf")
    return found


@dataclass(slots=True)
class Proof:
    """What rows add up to on their way into a file, and whether the file has them.

    Attributes:
        tree: Their Merkle tree.
        ids: SHA-256 over all image ids, int64 each.
        salts: SHA-256 over all salts.
    """

    tree: GrowingTree = field(default_factory=GrowingTree)
    ids: Any = field(default_factory=hashlib.sha256)
    salts: Any = field(default_factory=hashlib.sha256)

    def add(self, batch: Any) -> None:
        """Take in rows that follow those before, with their salts.

        Raises:
            IntegrityError: A row lacks what its leaf is made of.
        """
        self.tree.extend(leaves(batch))
        self._note(batch)

    def _note(self, batch: Any) -> None:
        ids = batch.column("image_id").to_numpy()
        self.ids.update(ids.astype("<i8", copy=False).tobytes())
        self.salts.update(b"".join(batch.column("salt").to_pylist()))

    def holds_of(self, stored: Iterable[Any]) -> bool:
        """Whether files have these very rows: every image id and salt, in this order, no more.

        No two rows have the same salt, so it tells a row without its being hashed again.

        Args:
            stored: Batches with the columns image_id, state and salt, as they are read again.
        """
        again = Proof()
        for batch in stored:
            present = batch.column("state").to_numpy() == State.PRESENT
            if batch.column("salt").null_count or not present.all():
                return False
            again._note(batch)
        return (again.ids.digest(), again.salts.digest()) == (
            self.ids.digest(),
            self.salts.digest(),
        )


def root_of(batches: Iterable[Any]) -> tuple[str, int, int]:
    """Merkle root (hex, RFC 6962) of rows by image id, their number, and how many are redacted.

    Raises:
        IntegrityError: A row lacks what its leaf is made of, or they are not ascending.
    """
    tree = GrowingTree()
    redacted, last = 0, 0
    for batch in batches:
        if not batch.num_rows:
            continue
        ids = batch.column("image_id").to_numpy()
        if ids[0] <= last or (ids[1:] <= ids[:-1]).any():
            raise damaged("rows that are not in the order of their image ids")
        last = int(ids[-1])
        redacted += int((batch.column("state").to_numpy() == State.REDACTED).sum())
        tree.extend(leaves(batch))
    return tree.root().hex(), tree.size, redacted


def _computed(batch: Any) -> list[bytes]:
    import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions
    import pyarrow.compute as pc  # noqa: PLC0415

    parts = [_bytes(batch.column(name)) for name in _PARTS]
    head = np.zeros(batch.num_rows, dtype=_HEAD)
    for name in ("image_id", "label", "split"):
        column = batch.column(name)
        if column.null_count:
            raise damaged(f"a row without {name}")
        head["numbers"][name] = column.to_numpy()
    for name in ("width", "height"):
        head["numbers"][name] = pc.fill_null(batch.column(name), UNKNOWN).to_numpy()
    for at, part in enumerate(parts):
        head["lengths"][:, at] = pc.fill_null(pc.binary_length(part), UNKNOWN).to_numpy()
    salts = batch.column("salt")
    if salts.null_count:
        raise damaged("a row without its salt")
    mark, name = (pa.scalar(text, pa.binary()) for text in (LEAF_MARK, FORMAT))
    joined = pc.binary_join_element_wise(
        mark,
        salts,
        name,
        _fixed(head),
        *parts,
        pa.scalar(b"", pa.binary()),
        null_handling="replace",
        null_replacement=b"",
    )
    sha256 = hashlib.sha256  # local: this loop runs once for every row
    return [sha256(message).digest() for message in joined.to_pylist()]


def _fixed(records: np.ndarray[Any, Any]) -> Any:
    """Records of one size as a binary array, without a copy of each."""
    import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions

    size = records.dtype.itemsize
    offsets = np.arange(len(records) + 1, dtype=np.int32) * np.int32(size)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(records.tobytes())]
    return pa.Array.from_buffers(pa.binary(), len(records), buffers)


def _bytes(column: Any) -> Any:
    """A column as binary: text in UTF-8, ids as int64 one behind the other."""
    import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions

    if not pa.types.is_list(column.type):
        return column.cast(pa.binary())
    if column.null_count:
        raise damaged("a row without the labels that decided it")
    offsets = column.offsets.to_numpy()
    values = column.values.to_numpy(zero_copy_only=False).astype("<i8", copy=False)
    values = values[offsets[0] : offsets[-1]]
    starts = ((offsets - offsets[0]) * 8).astype(np.int32)
    buffers = [None, pa.py_buffer(starts), pa.py_buffer(values.tobytes())]
    return pa.Array.from_buffers(pa.binary(), len(column), buffers)
