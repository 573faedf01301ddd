"""Rows of a base and of the layers above it, merged as they are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from mlmcsc.adapters.versions.schema import ROWS
from mlmcsc.domain.versions.rows import State


def merged(base: Iterable[Any], above: Sequence[Any]) -> Iterator[Any]:
    """Rows by image id, in batches; of one image the row of the highest layer, unless it is gone.

    Args:
        base: `pyarrow.RecordBatch`es, ascending by image id.
        above: A `pyarrow.Table` of each layer above it, lowest first, each ascending by image id.

    Yields:
        Batches of at most `ROWS` rows.
    """
    if not above:
        yield from base
        return
    changes = _latest(above)
    ids = changes.column("image_id").to_numpy()
    done = 0
    for batch in base:
        if not batch.num_rows:
            continue
        until = int(np.searchsorted(ids, batch.column("image_id")[-1].as_py(), side="right"))
        yield from _batches(_overlaid(batch, changes.slice(done, until - done)))
        done = until
    yield from _batches(_without_gone(changes.slice(done)))


def _latest(layers: Sequence[Any]) -> Any:
    """The layers as one table: of each image its row in the highest layer, ascending."""
    import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions

    rows = pa.concat_tables(layers).combine_chunks()
    ids = rows.column("image_id").to_numpy()
    order = np.argsort(ids, kind="stable")  # layers stay in order
    last = np.append(ids[order][1:] != ids[order][:-1], True) if len(ids) else order.astype(bool)
    return rows.take(pa.array(order[last]))


def _overlaid(batch: Any, changes: Any) -> Any:
    """A base batch with the changes that fall into it."""
    import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions

    rows = pa.Table.from_batches([batch])
    if not changes.num_rows:
        return rows
    ids, changed = rows.column("image_id").to_numpy(), changes.column("image_id").to_numpy()
    kept = rows.filter(pa.array(~np.isin(ids, changed, assume_unique=True)))
    both = pa.concat_tables([kept, _without_gone(changes)]).combine_chunks()
    return both.take(pa.array(np.argsort(both.column("image_id").to_numpy())))


def _without_gone(rows: Any) -> Any:
    import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions

    return rows.filter(pa.array(rows.column("state").to_numpy() != State.GONE))


def _batches(rows: Any) -> Iterator[Any]:
    yield from rows.combine_chunks().to_batches(max_chunksize=ROWS)
