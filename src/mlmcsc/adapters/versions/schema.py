"""The columns of a frozen dataset's rows, as Arrow and Parquet know them."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

ROWS: Final = 65_536
"""Rows of a row group, and at most of a batch."""

PATCH_ROWS: Final = 8_192
"""Rows of a row group above a base: one of each of up to 64 layers is in memory at a time."""

KEYS: Final = ("image_id", "state")
"""Columns that every reading brings: they decide which rows there are."""


@cache
def row_schema() -> Any:
    """The `pyarrow.Schema` of stored rows; see `mlmcsc.domain.versions.rows.FrozenRow`."""
    import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions

    return pa.schema(
        [
            pa.field("image_id", pa.int64(), nullable=False),
            ("content_hash", pa.binary()),
            ("path", pa.string()),
            ("specimen_id", pa.string()),
            ("width", pa.int32()),
            ("height", pa.int32()),
            ("label", pa.float64()),
            ("split", pa.int8()),
            ("label_ids", pa.list_(pa.int64())),
            ("technician_ids", pa.list_(pa.int64())),
            ("annotation", pa.string()),
            ("detection", pa.string()),
            pa.field("state", pa.int8(), nullable=False),
            ("salt", pa.binary()),
            ("leaf", pa.binary()),
        ]
    )
