"""Rows of a person in stored batches: found, counted, and redacted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
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
_Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Found:
    """What one layer has of a person, and what was redacted in it before.

    Attributes:
        ids: Images of all its rows, which hide those of the layers beneath; none for a base.
        hits: Images of the rows that the masks, shape `(len(hits),)`, are about.
        own: They rest on the person's labels.
        going: They are to be redacted.
        held: They would be, but for a legal hold.
        before: They were redacted before.
    """

    ids: _Ids
    hits: _Ids
    own: _Mask
    going: _Mask
    held: _Mask
    before: _Mask


def totals(layers: Sequence[Found], *, deletes: bool) -> tuple[Tally, int]:
    """The numbers of a version, and how many of its rows were redacted before.

    Args:
        layers: What each of its layers has, base first: of an image the uppermost row counts.
        deletes: Whether rows go that rest on the person's labels, and not only such as name them.
    """
    tally, before, hidden = Tally(), 0, np.empty(0, np.int64)
    for each in reversed(layers):
        seen = ~np.isin(each.hits, hidden)
        going = each.going & seen
        tally += Tally(
            int((each.own & seen).sum()),
            int(going.sum()),
            int((going & ~each.own).sum() if deletes else going.sum()),
            int((each.held & seen).sum()),
        )
        before += int((each.before & seen).sum())
        hidden = np.concatenate([hidden, each.ids])
    return tally, before


class RowSearch:
    """Which rows of a batch rest on a person's labels, or name them.

    Args:
        who: The person.
    """

    def __init__(self, who: Contributor) -> None:
        self.who = who
        self._held = np.fromiter(sorted(who.held_images), dtype=np.int64)
        self._names: Callable[[str], bool] = lru_cache(_MEMORY)(_naming(who.identifiers))

    def layer(self, batches: Iterable[Any], *, base: bool) -> Found:
        """What a layer has of the person.

        Args:
            batches: Its rows, with the columns `SOUGHT` and the keys.
            base: Whether nothing lies beneath it.
        """
        ids, parts = [np.empty(0, np.int64)], [np.empty((0, 5), np.int64)]
        for batch in batches:
            images = batch.column("image_id").to_numpy()
            own, sought, held = self._masks(batch)
            before = batch.column("state").to_numpy() == State.REDACTED
            at = np.flatnonzero(own | sought | before)
            masks = (own, sought & ~held, sought & held, before)
            parts.append(np.column_stack([images[at], *(mask[at] for mask in masks)]))
            ids.append(np.empty(0, np.int64) if base else images)
        hits = np.concatenate(parts)
        own, going, kept, before = hits[:, 1:].astype(bool).T
        return Found(np.concatenate(ids), hits[:, 0], own, going, kept, before)

    def going(self, batch: Any) -> _Mask:
        """Which rows are to be redacted, shape `(N,)`."""
        _, sought, held = self._masks(batch)
        return sought & ~held

    def _masks(self, batch: Any) -> tuple[_Mask, _Mask, _Mask]:
        """Rows that are the person's; that would be redacted; and whose image is held."""
        present = batch.column("state").to_numpy() == State.PRESENT
        own = present & _containing(batch.column("technician_ids"), self.who.technician_row)
        held = np.isin(batch.column("image_id").to_numpy(), self._held)
        named = present & self._naming(batch, own)
        return own, (own | named) if self.who.deletes else named, held

    def _naming(self, batch: Any, own: _Mask) -> _Mask:
        annotations = batch.column("annotation")
        if self.who.nameless:
            remarked: _Mask = np.asarray(annotations.is_valid(), dtype=bool)
            return own & remarked
        if not self.who.identifiers:
            return np.zeros(batch.num_rows, dtype=bool)
        texts = annotations.to_pylist()
        return np.fromiter((text is not None and self._names(text) for text in texts), dtype=bool)


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
