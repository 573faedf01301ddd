"""What stored rows may say: anything else was written past mlmcsc, and no reader takes it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from mlmcsc.domain.splits import Split
from mlmcsc.domain.versions.rows import SALT_BYTES, State
from mlmcsc.errors import IntegrityError

LOST: Final = ("label", "label_ids", "technician_ids", "annotation", "salt")
"""Columns that a redacted row has lost."""
SPLITS: Final = [int(split) for split in Split]


def refuse_unsound(batch: Any, *, base: bool) -> None:
    """Look at the columns that are there.

    Args:
        batch: A `pyarrow.RecordBatch` of some columns of `row_schema`, state among them.
        base: Whether it is of a base, in which no row can be gone.

    Raises:
        IntegrityError: A row has an unknown state, or is gone in a base; a redacted row has values;
            a present one has no finite label, a salt of another length, or a leaf; or a split is
            none.
    """
    state = batch.column("state").to_numpy()
    if ((state < State.PRESENT) | (state > (State.REDACTED if base else State.GONE))).any():
        raise damaged("a row of an unknown state")
    redacted, present = state == State.REDACTED, state == State.PRESENT
    names = set(batch.schema.names)
    if redacted.any():
        for name in LOST:
            if name in names and (_filled(batch.column(name)) & redacted).any():
                raise damaged(f"a redacted row with {name}")
    if "leaf" in names and (_filled(batch.column("leaf")) & present).any():
        raise damaged("a present row with the leaf of a redacted one")
    if "label" in names:
        _refuse_labels(batch.column("label"), present)
    if "salt" in names:
        _refuse_salts(batch.column("salt"))
    if "split" in names:
        _refuse_splits(batch.column("split"))


def damaged(what: str) -> IntegrityError:
    """The error that says what rows have that mlmcsc never writes."""
    return IntegrityError(
        f"The rows of this version have {what}: the file was changed past mlmcsc. Restore the "
        "folder of versions from a backup."
    )


def _filled(column: Any) -> np.ndarray[Any, Any]:
    return np.asarray(column.is_valid().to_numpy(zero_copy_only=False), dtype=bool)


def _refuse_labels(column: Any, present: np.ndarray[Any, Any]) -> None:
    if column.null_count:
        column = column.fill_null(np.nan)
    if not np.isfinite(column.to_numpy()[present]).all():
        raise damaged("a label that is no finite number")


def _refuse_salts(column: Any) -> None:
    import pyarrow.compute as pc  # noqa: PLC0415  # heavy: loads only for versions

    lengths = pc.fill_null(pc.binary_length(column), SALT_BYTES).to_numpy()
    if (lengths != SALT_BYTES).any():
        raise damaged(f"a salt that does not have {SALT_BYTES} bytes")


def _refuse_splits(column: Any) -> None:
    if column.null_count == len(column):
        return  # marks of what is gone
    found = column.drop_null().to_numpy()
    if ((found < min(SPLITS)) | (found > max(SPLITS))).any():
        raise damaged("a split that there is not")
