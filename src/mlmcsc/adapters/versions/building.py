"""Rows on their way into a version: batches of plain columns, salted, and marks of what is gone."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlmcsc.adapters.versions.leaves import Proof
from mlmcsc.adapters.versions.schema import row_schema
from mlmcsc.domain.versions.rows import SALT_BYTES, State


def batch_of(columns: Mapping[str, Any], offsets: NDArray[np.int64]) -> Any:
    """A `pyarrow.RecordBatch` of present rows, without salts and leaves yet.

    Args:
        columns: What `row_schema` names, but for state, salt and leaf: sequences or arrays with a
            value per row; `label_ids` and `technician_ids` with those of all rows.
        offsets: `int64[N + 1]`, where each row's ids begin in these two.
    """
    import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions

    schema, size = row_schema(), len(offsets) - 1
    starts = pa.array((offsets - offsets[0]).astype(np.int32))
    arrays = []
    for field in schema:
        if field.name not in columns:
            empty = pa.nulls(size, field.type)
            arrays.append(_states(size, State.PRESENT) if field.name == "state" else empty)
        elif pa.types.is_list(field.type):
            ids = pa.array(columns[field.name], pa.int64())
            arrays.append(pa.ListArray.from_arrays(starts, ids))
        else:
            arrays.append(pa.array(columns[field.name], field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def salted(batch: Any, proof: Proof | None = None, kept: Any = None) -> Any:
    """The batch with a salt for each row.

    Args:
        batch: As `batch_of` makes it.
        proof: Takes the rows in.
        kept: A binary array with the salts of rows that have one already, null for the others,
            which get a fresh one; None: all do.
    """
    import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions
    import pyarrow.compute as pc  # noqa: PLC0415

    if not batch.num_rows:
        return batch
    offsets = np.arange(batch.num_rows + 1, dtype=np.int32) * np.int32(SALT_BYTES)
    raw = secrets.token_bytes(batch.num_rows * SALT_BYTES)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(raw)]
    salts = pa.Array.from_buffers(pa.binary(), batch.num_rows, buffers)
    with_salts = _with(batch, "salt", salts if kept is None else pc.coalesce(kept, salts))
    if proof is not None:
        proof.add(with_salts)
    return with_salts


def gone(image_ids: NDArray[np.int64]) -> Any:
    """Rows that say that these images are no longer in."""
    import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions

    told = {"image_id": pa.array(image_ids), "state": _states(len(image_ids), State.GONE)}
    arrays = [told.get(f.name, pa.nulls(len(image_ids), f.type)) for f in row_schema()]
    return pa.RecordBatch.from_arrays(arrays, schema=row_schema())


def _states(size: int, state: State) -> Any:
    import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions

    return pa.array(np.full(size, state, dtype=np.int8))


def _with(batch: Any, name: str, column: Any) -> Any:
    at = batch.schema.get_field_index(name)
    return batch.set_column(at, batch.schema.field(at), column)
