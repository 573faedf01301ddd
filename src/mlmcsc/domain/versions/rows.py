"""One row of a frozen dataset, and the leaf that a version's Merkle tree has for it, format 1.

`leaf = SHA-256(0x00 ‖ salt ‖ "mlmcsc-row-1" ‖ numbers ‖ lengths ‖ parts)`

* 0x00 is RFC 6962's mark of a leaf; the salt is 16 random bytes of the row's own.
* numbers, little-endian: image_id int64, label float64 (IEEE 754), split uint8, width int32,
  height int32; -1 for an unknown width or height.
* lengths, little-endian int32, in bytes, -1 for an absent part; then the parts one behind the
  other: content_hash (32 raw bytes), path, specimen_id (UTF-8), label_ids, technician_ids (int64
  each), annotation, detection (UTF-8, JSON text as stored).

Lengths before parts make the message unambiguous. A row that is redacted loses its salt and what
it said; its leaf is kept, so every root ever given still verifies, and nobody can guess the values
from the leaf. A change of anything here would break all of them: a new format needs a new name.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from mlmcsc.domain.records import Record

FORMAT: Final = b"mlmcsc-row-1"
SALT_BYTES: Final = 16
LEAF_MARK: Final = b"\x00"
UNKNOWN: Final = -1


class State(IntEnum):
    """What a stored row is."""

    PRESENT = 0
    REDACTED = 1
    """Label, people and annotation were removed; the leaf is kept."""
    GONE = 2
    """In a layer above others: the image is not in this version."""


@dataclass(frozen=True, slots=True)
class FrozenRow(Record):
    """One image in a version.

    Attributes:
        image_id: The image.
        content_hash: SHA-256 of its file, 32 bytes; None where it was never hashed.
        path: Where the file lay.
        specimen_id: Its specimen.
        width: Pixels.
        height: Pixels.
        label: The value that stands for the image, in the unit of the label range.
        split: A value of `mlmcsc.domain.splits.Split`.
        label_ids: The labels that decided the value, ascending.
        technician_ids: Whose they are, by row id of `technicians`, one for each label.
        annotation: `annotation_data` of the last of these labels, JSON text.
        detection: Box and class of the image's latest prediction that has a box, JSON text.
    """

    image_id: int
    content_hash: bytes | None
    path: str
    specimen_id: str | None
    width: int | None
    height: int | None
    label: float
    split: int
    label_ids: Sequence[int]
    technician_ids: Sequence[int]
    annotation: str | None
    detection: str | None


def leaf(salt: bytes, row: FrozenRow) -> bytes:
    """The row's leaf, 32 bytes."""
    numbers = struct.pack(
        "<qdBii",
        row.image_id,
        row.label,
        row.split,
        UNKNOWN if row.width is None else row.width,
        UNKNOWN if row.height is None else row.height,
    )
    parts = (
        row.content_hash,
        row.path.encode(),
        _utf8(row.specimen_id),
        _ids(row.label_ids),
        _ids(row.technician_ids),
        _utf8(row.annotation),
        _utf8(row.detection),
    )
    lengths = struct.pack("<7i", *(UNKNOWN if part is None else len(part) for part in parts))
    message = b"".join(part for part in parts if part)
    return hashlib.sha256(LEAF_MARK + salt + FORMAT + numbers + lengths + message).digest()


def _utf8(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def _ids(ids: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(ids)}q", *ids)
