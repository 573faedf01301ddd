"""Where a database keeps its files, and how they are read."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path

from mlmcsc.adapters.feature_matrix import FeatureMatrix


@dataclass(frozen=True, slots=True)
class Places:
    """Folders and reading limits.

    Attributes:
        managed: Folder of the managed, content-addressed image store, None where there is none.
        thumbnails: Folder of cached thumbnails.
        matrices: Folder of derived feature matrices, None where none are kept.
        open_matrices: The matrices that this process has open, by feature set id.
        max_pixels: Larger pictures are refused unread.
        workers: Processes that read files; None chooses by the machine and the work.
    """

    managed: Path | None
    thumbnails: Path
    matrices: Path | None
    open_matrices: MutableMapping[int, FeatureMatrix]
    max_pixels: int
    workers: int | None = None
