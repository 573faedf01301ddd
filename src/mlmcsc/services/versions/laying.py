"""Storing a version's rows: a base, or what differs from its parent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from mlmcsc.adapters.versions import VersionFolder
from mlmcsc.adapters.versions.building import salted
from mlmcsc.adapters.versions.comparing import Tally, changes
from mlmcsc.domain.versions.layers import Layer, wants_new_base

Layers = tuple[Layer, ...]


def lay(folder: VersionFolder, rows: Iterable[Any], parent: Layers, tally: Tally) -> Layers:
    """Write what the parent's layers do not say; all layers of the version, base first.

    Args:
        folder: Where they go.
        rows: Batches without salts, ascending by image id.
        parent: The layers of the version to share unchanged rows with; none for a first version.
        tally: Counts the rows; its proof takes their leaves in.
    """
    if not parent:
        return (folder.write(_first(rows, tally)),)
    patch = changes(rows, folder.rows(parent), tally)
    head = next(patch, None)
    if head is None:
        return parent
    before = folder.present()
    layer = folder.write(chain([head], patch))
    if not wants_new_base(parent, layer.n_rows):
        return (*parent, layer)
    base = folder.write(folder.rows((*parent, layer)))
    folder.remove({layer.sha256} - before - {base.sha256})  # of changes alone, both are one file
    return (base,)


def look(folder: VersionFolder, rows: Iterable[Any], parent: Layers, tally: Tally) -> None:
    """Count what `lay` would write; nothing is written."""
    if parent:
        for _ in changes(rows, folder.rows(parent), tally):
            pass
    else:
        for batch in rows:
            tally.new += batch.num_rows


def _first(rows: Iterable[Any], tally: Tally) -> Iterator[Any]:
    for batch in rows:
        tally.new += batch.num_rows
        yield salted(batch, tally.proof)
