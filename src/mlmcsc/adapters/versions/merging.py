"""Rows of a base and of the layers above it, merged as they are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from mlmcsc.adapters.versions.schema import ROWS
from mlmcsc.adapters.versions.waiting import END, Waiting
from mlmcsc.domain.versions.rows import State


def merged(layers: Sequence[Iterable[Any]], schema: Any) -> Iterator[Any]:
    """Rows by image id, in batches; of one image the row of the highest layer, unless it is gone.

    Of each layer one batch is in memory, however large the layers are.

    Args:
        layers: The `pyarrow.RecordBatch`es of each, base first, ascending by image id.
        schema: Theirs.

    Yields:
        Batches of at most `ROWS` rows.
    """
    if len(layers) == 1:
        yield from layers[0]
        return
    waiting = [Waiting(batches, schema) for batches in layers]
    # Up to the lowest of the ids at which a batch ends, all that any layer says is at hand.
    while (until := min(each.last() for each in waiting)) < END:
        parts = [part for each in waiting if (part := each.take(until)).num_rows]
        latest = parts[0] if len(parts) == 1 else _latest(parts)
        rows = _without_gone(latest)
        for start in range(0, rows.num_rows, ROWS):
            yield rows.slice(start, ROWS)


def _latest(parts: Sequence[Any]) -> Any:
    """Of each image its row in the highest layer, ascending."""
    import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions

    rows = pa.concat_batches(parts)
    ids = rows.column("image_id").to_numpy()
    order = np.argsort(ids, kind="stable")  # layers stay in order
    last = np.append(ids[order][1:] != ids[order][:-1], True)
    return rows.take(pa.array(order[last]))


def _without_gone(rows: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions

    stays = rows.column("state").to_numpy() != State.GONE
    return rows if stays.all() else rows.filter(pa.array(stays))
