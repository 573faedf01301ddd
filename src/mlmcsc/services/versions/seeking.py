"""What the files of all versions hold of a person, each file read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain

from mlmcsc.adapters.versions import VersionFolder
from mlmcsc.adapters.versions.redacting import SOUGHT, Found, RowSearch, totals
from mlmcsc.adapters.versions.replaced import newest
from mlmcsc.domain.records import DataVersionRecord
from mlmcsc.domain.versions.layers import Layer, read_layers
from mlmcsc.domain.versions.redaction import Tally
from mlmcsc.errors import IntegrityError, UnsupportedError

Layers = tuple[Layer, ...]


@dataclass(slots=True)
class Look:
    """What was found in the files of all versions.

    Attributes:
        versions: Each with its layers: those that took the place of others, where some did.
        found: What a layer has of the person.
        broken: Why a layer cannot be read.
    """

    versions: list[tuple[DataVersionRecord, Layers]]
    found: dict[Layer, Found] = field(default_factory=dict)
    broken: dict[Layer, str] = field(default_factory=dict)

    def unreached(self) -> dict[str, str]:
        """Why not every file of a version was reached, by version."""
        return {
            record.version: next(self.broken[each] for each in layers if each in self.broken)
            for record, layers in self.versions
            if not self.broken.keys().isdisjoint(layers)
        }

    def totals(self, *, deletes: bool) -> dict[str, tuple[Tally, int]]:
        """Numbers of each version, and rows redacted before; of what could be read."""
        return {
            record.version: totals(
                [self.found[each] for each in layers if each in self.found], deletes=deletes
            )
            for record, layers in self.versions
        }


def look_for(folder: VersionFolder, search: RowSearch, every: Sequence[DataVersionRecord]) -> Look:
    """Read each layer once, however many versions share it."""
    found = [(record, read_layers(record.layers)) for record in every]
    look, newer = Look([]), {}
    for layer in dict.fromkeys(chain.from_iterable(layers for _, layers in found)):
        try:
            newer[layer] = _newest(folder, layer)
        except (IntegrityError, UnsupportedError) as error:
            look.broken[layer] = str(error)
    look.versions = [(record, tuple(newer.get(n, n) for n in layers)) for record, layers in found]
    upper = {layer for _, layers in look.versions for layer in layers[1:]}
    for layer in dict.fromkeys(newer.values()):
        try:
            rows = folder.layer(layer, SOUGHT)
            look.found[layer] = search.layer(rows, base=layer not in upper)
        except IntegrityError as error:
            look.broken[layer] = str(error)
    return look


def _newest(folder: VersionFolder, layer: Layer) -> Layer:
    """The layer; where a restored database names one that was replaced, what replaced it."""
    there = newest(folder.root, layer, lambda sha256: folder.place(sha256).is_file())
    if there is None:
        raise IntegrityError(
            f"{folder.place(layer.sha256)} is missing, so nobody can tell what it holds. "
            "Restore the folder of versions from a backup."
        )
    return there


def tallies_of(look: Look, *, deletes: bool) -> dict[str, Tally]:
    """By version, of those in which there is something of the person."""
    counted = look.totals(deletes=deletes)
    return {name: tally for name, (tally, _) in counted.items() if tally != Tally()}
