"""The digest by which a version promises the vectors of a feature set."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_ENTRY: Final = np.dtype([("image_id", "<i8"), ("sha256", "V32")])


@dataclass(slots=True)
class VectorDigest:
    """Takes in vectors by ascending image id; see `FrozenFeatures.digest` for what is hashed.

    Attributes:
        count: Vectors taken in so far.
    """

    count: int = 0
    _sha256: Any = field(default_factory=hashlib.sha256)

    def add(self, image_ids: NDArray[np.int64], hashes: Sequence[bytes]) -> None:
        """Take in the images that follow, and the SHA-256 (32 bytes) of the vector of each."""
        told = np.empty(len(hashes), _ENTRY)
        told["image_id"] = image_ids
        told["sha256"] = np.frombuffer(b"".join(hashes), "V32")
        self._sha256.update(told.tobytes())
        self.count += len(hashes)

    def hexdigest(self) -> str:
        """SHA-256 of all so far, hex."""
        return str(self._sha256.hexdigest())
