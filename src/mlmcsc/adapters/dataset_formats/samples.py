"""What a format is given: the facts of a version, and one image after another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mlmcsc.adapters.frozen_files import ending
from mlmcsc.domain.versions.boxes import Boxes

SPLITS: Final[tuple[str, ...]] = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class Dataset:
    """What is said of the whole.

    Attributes:
        version: The version's name.
        name: Its title.
        description: What it is, if anybody said.
        root: Merkle root of its rows, hex.
        created_at: When it was frozen, UTC.
        label_range: Lowest and highest label.
        with_people: Whether samples tell who labelled them, by codes.
        shard_bytes: About how large a tar shard may be.
    """

    version: str
    name: str
    description: str | None
    root: str
    created_at: datetime
    label_range: tuple[float, float]
    with_people: bool
    shard_bytes: int

    @property
    def text(self) -> str:
        """What it is, in one line."""
        low, high = self.label_range
        return (
            f"Dataset version {self.version}, frozen {self.created_at:%Y-%m-%d}; labels from "
            f"{low:g} to {high:g}; Merkle root {self.root}."
        )


@dataclass(frozen=True, slots=True)
class Sample:
    """One image with its label.

    Attributes:
        image_id: Its id in the database.
        sources: Where its file may lie, likeliest first.
        content_hash: SHA-256 (hex) of the file; None where it was never taken.
        specimen_id: Its specimen.
        width: Pixels.
        height: Pixels.
        label: The value under the version's label policy.
        split: One of `SPLITS`.
        people: Codes of who labelled it; None where they are not told.
        boxes: None where there are none, empty where somebody said that there is nothing.
    """

    image_id: int
    sources: tuple[str, ...]
    content_hash: str | None
    specimen_id: str | None
    width: int | None
    height: int | None
    label: float
    split: str
    people: tuple[str, ...] | None
    boxes: Boxes | None

    @property
    def key(self) -> str:
        """Its name in an export: the id, so that names sort as ids do and tell nothing more."""
        return f"{self.image_id:012d}"

    @property
    def suffix(self) -> str:
        """The file's ending; see `ending`."""
        return ending(self.sources[0])

    @property
    def filename(self) -> str:
        """Its file in an export."""
        return self.key + self.suffix
