"""Rows of a person in stored batches: found, counted, and redacted."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from mlmcsc.adapters.versions.leaves import leaves
from mlmcsc.adapters.versions.schema import row_schema
from mlmcsc.domain.privacy.mentions import Mentions
from mlmcsc.domain.versions.redaction import Contributor, Tally
from mlmcsc.domain.versions.rows import State

SOUGHT: Final = ("technician_ids", "annotation")
"""What `RowSearch` needs of a batch, besides the keys."""
REMOVED: Final = ("label", "label_ids", "technician_ids", "annotation", "salt")
"""Columns that a redacted row has lost."""
_MEMORY: Final = 65_536
_Mask = NDArray[np.bool_]


class RowSearch:
    """Which rows of a batch rest on a person's labels, or name them.

    Args:
        who: The person.
    """

    def __init__(self, who: Contributor) -> None:
        self._who = who
        self._held = np.fromiter(sorted(who.held_images), dtype=np.int64)
        # Annotations repeat, and layers that versions share are read for each of them.
        self._names: Callable[[str], bool] = lru_cache(_MEMORY)(_naming(who.identifiers))

    def tally(self, batch: Any) -> Tally:
        """The numbers of a batch."""
        own, named, held = self._masks(batch)
        sought = (own | named) if self._who.deletes else named
        going = sought & ~held
        return Tally(
            int(own.sum()),
            int(going.sum()),
            int((going & ~own).sum() if self._who.deletes else going.sum()),
            int((sought & held).sum()),
        )

    def going(self, batch: Any) -> _Mask:
        """Which rows are to be redacted, shape `(N,)`."""
        own, named, held = self._masks(batch)
        return ((own | named) if self._who.deletes else named) & ~held

    def _masks(self, batch: Any) -> tuple[_Mask, _Mask, _Mask]:
        present = batch.column("state").to_numpy() == State.PRESENT
        own = present & _containing(batch.column("technician_ids"), self._who.technician_row)
        texts = batch.column("annotation").to_pylist() if self._who.identifiers else ()
        named = (
            np.fromiter((text is not None and self._names(text) for text in texts), dtype=bool)
            if texts
            else np.zeros(batch.num_rows, dtype=bool)
        )
        held = np.isin(batch.column("image_id").to_numpy(), self._held)
        return own, present & named, held


def redacted(batch: Any, going: _Mask) -> Any:
    """The batch with these rows redacted: each keeps its leaf, so every root stays.

    Args:
        batch: A `pyarrow.RecordBatch` of `row_schema`.
        going: Which rows; they are present.

    Raises:
        IntegrityError: A row lacks what its leaf is made of.
    """
    import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions
    import pyarrow.compute as pc  # noqa: PLC0415

    mask = pa.array(going)
    kept = batch.column("leaf").to_pylist()
    for at, leaf in zip(np.flatnonzero(going), leaves(batch.filter(mask)), strict=True):
        kept[at] = leaf
    columns = {name: batch.column(name) for name in batch.schema.names}
    for name in REMOVED:
        columns[name] = pc.if_else(mask, pa.scalar(None, columns[name].type), columns[name])
    columns["state"] = pc.if_else(mask, pa.scalar(int(State.REDACTED), pa.int8()), columns["state"])
    columns["leaf"] = pa.array(kept, pa.binary())
    return pa.RecordBatch.from_arrays(list(columns.values()), schema=row_schema())


def _containing(lists: Any, wanted: int | None) -> _Mask:
    """Which lists have the number in them."""
    import pyarrow.compute as pc  # noqa: PLC0415  # heavy: loads only for versions

    found = np.zeros(len(lists), dtype=bool)
    if wanted is not None:
        hits = pc.equal(pc.list_flatten(lists), wanted).to_numpy(zero_copy_only=False)
        found[pc.list_parent_indices(lists).to_numpy()[hits.astype(bool)]] = True
    return found


def _naming(identifiers: tuple[str, ...]) -> Callable[[str], bool]:
    words = Mentions(identifiers)

    def names(text: str) -> bool:
        try:
            document = orjson.loads(text)
        except ValueError:  # raw SQL wrote it
            return text in words
        return bool(words.removed(document) != document)

    return names
