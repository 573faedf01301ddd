"""Storing a version's rows: a base, or what differs from its parent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from mlmcsc.adapters.versions import VersionFolder
from mlmcsc.adapters.versions.building import salted
from mlmcsc.adapters.versions.comparing import Tally, changes
from mlmcsc.adapters.versions.schema import PATCH_ROWS
from mlmcsc.domain.versions.layers import Layer, wants_new_base
from mlmcsc.errors import IntegrityError

Layers = tuple[Layer, ...]


class ParentDamagedError(IntegrityError):
    """Rows that were to be shared cannot be."""


def write_layers(
    folder: VersionFolder, rows: Iterable[Any], parent: Layers, tally: Tally
) -> Layers:
    """Write what the parent's layers do not say; all layers of the version, base first.

    Args:
        folder: Where they go.
        rows: Batches without salts, ascending by image id.
        parent: The layers of the version to share unchanged rows with; none for a first version.
        tally: Counts the rows; its proof takes them in.

    Raises:
        ParentDamagedError: A layer of the parent is missing or was changed; the caller can go on
            without it.
    """
    if not parent:
        return (folder.write(_first(rows, tally)),)
    _check(folder, parent)
    patch = changes(rows, _of_parent(folder, parent), tally)
    head = next(patch, None)
    if head is None:
        return parent
    before = folder.present()
    layer = folder.write(chain([head], patch), PATCH_ROWS)
    if not wants_new_base(parent, layer.n_rows):
        return (*parent, layer)
    base = folder.write(folder.rows((*parent, layer)))
    folder.remove({layer.sha256} - before - {base.sha256})  # of changes alone, both are one file
    return (base,)


def count_changes(folder: VersionFolder, rows: Iterable[Any], parent: Layers, tally: Tally) -> None:
    """Count what `write_layers` would write; nothing is written.

    Raises:
        ParentDamagedError: A layer of the parent is missing or cannot be read.
    """
    if parent:
        for _ in changes(rows, _of_parent(folder, parent), tally):
            pass
    else:
        for batch in rows:
            tally.new += batch.num_rows


def _first(rows: Iterable[Any], tally: Tally) -> Iterator[Any]:
    for batch in rows:
        tally.new += batch.num_rows
        yield salted(batch, tally.proof)


def _check(folder: VersionFolder, parent: Layers) -> None:
    """What is shared is whole: else the new version would be damaged from its first day."""
    try:
        for layer in parent:
            folder.check(layer)
    except IntegrityError as error:
        raise ParentDamagedError(str(error)) from None


def _of_parent(folder: VersionFolder, parent: Layers) -> Iterator[Any]:
    try:
        yield from folder.rows(parent)
    except IntegrityError as error:
        raise ParentDamagedError(str(error)) from None
