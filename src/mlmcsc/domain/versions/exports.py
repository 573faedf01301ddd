"""What is told of datasets that were exported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from mlmcsc.domain.fields import Field, Kind
from mlmcsc.domain.records import Record

SUMS: Final = "SHA256SUMS"
"""In every exported folder: hash and path of each other file, as `sha256sum -c` reads it."""

RECIPIENT: Final = Field("recipient", Kind.TEXT, "to whom it goes", max_length=500, is_name=True)

ImageMode = Literal["copy", "hardlink", "none", "path"]
BoxSource = Literal["people", "model", "either"]


@dataclass(frozen=True, slots=True)
class DatasetExportRecord(Record):
    """One export of a version.

    Attributes:
        id: Its number.
        version: The version's name.
        root: Its Merkle root, hex: names can be given anew.
        format: `parquet`, `coco` … or `checkout`.
        path: The folder, as it was named.
        recipient: To whom it went, None where nobody said.
        n_rows: Images in it.
        n_bytes: Size of its files, `SHA256SUMS` left out.
        sha256: SHA-256 (hex) of its `SHA256SUMS`; of a checkout, of such a list of its labels.
        with_people: Whether it has codes for who labelled what.
        technicians: Row ids of those whose labels went out, ascending.
        exported_at: When.
        exported_by: Subject id of who did it.
    """

    id: int
    version: str
    root: str
    format: str
    path: str
    recipient: str | None
    n_rows: int
    n_bytes: int
    sha256: str
    with_people: bool
    technicians: Sequence[int]
    exported_at: datetime
    exported_by: str


@dataclass(frozen=True, slots=True)
class MissingImage(Record):
    """An image whose file is not there, or not what was frozen."""

    image_id: int
    path: str
    why: str


@dataclass(frozen=True, slots=True)
class DatasetExportReport(Record):
    """How an export went.

    Attributes:
        export: What is on record.
        splits: Images by split.
        left_out: Images left out, by reason.
        n_boxes: Bounding boxes written.
        without_boxes: Images written that have no box.
        unverified: Images copied whose hash was never taken.
        missing: Files that are not there or changed; at most `LISTED` of them.
        seconds: How long it took.
    """

    export: DatasetExportRecord
    splits: Mapping[str, int]
    left_out: Mapping[str, int]
    n_boxes: int
    without_boxes: int
    unverified: int
    missing: tuple[MissingImage, ...]
    seconds: float


LISTED: Final = 1_000
