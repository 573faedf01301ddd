"""What took the place of a layer that was redacted: a restored database still names the old one.

`replaced/SHA256.json` beside the rows says which layer that is. It holds a hash and two numbers,
nothing of anybody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Final

import orjson

from mlmcsc.adapters.versions.journal import write_json
from mlmcsc.domain.versions.layers import Layer, read_layers
from mlmcsc.errors import IntegrityError, StoreError

FOLDER: Final = "replaced"


def note_replaced(root: Path, old: Layer, new: Layer) -> None:
    """Note it durably, before the old layer goes.

    Raises:
        StoreError: It cannot be written.
    """
    place = _place(root, old)
    try:
        place.parent.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StoreError(f"Cannot make {place.parent}: {error.strerror or error}.") from error
    write_json(place, asdict(new))


def replacement(root: Path, old: Layer) -> Layer | None:
    """What took the layer's place; None if nothing did.

    Raises:
        IntegrityError: The note cannot be read.
    """
    place = _place(root, old)
    try:
        (new,) = read_layers([orjson.loads(place.read_bytes())])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, IntegrityError):
        raise IntegrityError(
            f"{place} does not say which layer took another's place. Restore the folder of "
            "versions from a backup."
        ) from None
    return new


def newest(root: Path, layer: Layer, is_there: Callable[[str], bool]) -> Layer | None:
    """The layer, or what is there of those that took its place; None if none is.

    Raises:
        IntegrityError: A note cannot be read.
    """
    there: Layer | None = layer
    while there is not None and not is_there(there.sha256):
        there = replacement(root, there)
    return there


def _place(root: Path, old: Layer) -> Path:
    return root / FOLDER / f"{old.sha256}.json"
