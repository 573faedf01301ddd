"""How a version's rows lie in files: a base, and the changes of later versions above it.

A file is named by the SHA-256 of its content and shared by all versions that have its rows. A later
version adds one layer with the rows that are new, changed or gone, so it costs what changed, not
what is there. When the layers above grow beyond a fifth of the base, the next version lays a new
base: reading never has to look through many.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from mlmcsc.domain.records import Record
from mlmcsc.errors import IntegrityError

REBASE_SHARE: Final = 0.2
"""Rows above the base, as a share of the base's, from which a new base is laid."""
MOST_LAYERS: Final = 64
"""Files that a version may consist of."""

_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Layer(Record):
    """One file of rows.

    Attributes:
        sha256: SHA-256 (hex) of the file, and its name.
        n_rows: Rows in it.
        n_bytes: Its size.
    """

    sha256: str
    n_rows: int
    n_bytes: int


def read_layers(document: Any) -> tuple[Layer, ...]:
    """The layers that a row of `data_versions` names, base first.

    Raises:
        IntegrityError: They are not such as mlmcsc writes.
    """
    try:
        layers = tuple(Layer(**each) for each in document)
        sound = all(
            _SHA256.fullmatch(each.sha256) and each.n_rows >= 0 and each.n_bytes >= 0
            for each in layers
        )
    except (TypeError, AttributeError):
        sound, layers = False, ()
    if not sound or not layers:
        raise IntegrityError(
            "The column data_versions.layers does not say where the rows are: it was changed past "
            "mlmcsc. Restore a backup."
        )
    return layers


def wants_new_base(layers: Sequence[Layer], more: int) -> bool:
    """Whether `more` changed rows had better become part of a new base."""
    above = more + sum(layer.n_rows for layer in layers[1:])
    return len(layers) >= MOST_LAYERS or above > REBASE_SHARE * layers[0].n_rows
