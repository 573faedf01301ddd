"""The feature matrices that a process has open."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlmcsc.adapters.feature_matrix import FeatureMatrix


@dataclass(slots=True)
class MatrixCache:
    """The matrices that this process has open, shared by all actors of a database.

    Attributes:
        root: Folder of the matrices, or None where none is kept (in-memory databases).
        matrices: By feature set id.
    """

    root: Path | None
    matrices: dict[int, FeatureMatrix] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)
