"""Batches in the order of their image ids, of which the front is taken off."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np

END: Final = 2**63 - 1
"""Above every image id."""


class Waiting:
    """Batches of which the front is taken off, id by id; one of them is in memory.

    Args:
        batches: `pyarrow.RecordBatch`es, ascending by image id.
        schema: Theirs.
    """

    def __init__(self, batches: Iterable[Any], schema: Any) -> None:
        import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions

        self._batches = iter(batches)
        self._front = pa.RecordBatch.from_pylist([], schema=schema)

    def last(self) -> int:
        """The highest id at hand, `END` where there is no more."""
        while not self._front.num_rows:
            following = next(self._batches, None)
            if following is None:
                return END
            self._front = following
        return int(self._front.column("image_id")[-1].as_py())

    def take(self, until: int) -> Any:
        """The rows at hand whose id is at most `until`."""
        ids = self._front.column("image_id").to_numpy()
        size = int(np.searchsorted(ids, until, side="right"))
        taken, self._front = self._front.slice(0, size), self._front.slice(size)
        return taken
