"""What took the place of a layer that was redacted: a restored database still names the old one.

`replaced/SHA256.json` beside the rows says which layer that is. It holds a hash and two numbers,
nothing of anybody.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Final

import orjson

from mlmcsc.adapters.managed_files import sync_folder
from mlmcsc.domain.versions.layers import Layer, read_layers
from mlmcsc.errors import IntegrityError, StoreError

FOLDER: Final = "replaced"


def note_replaced(root: Path, old: Layer, new: Layer) -> None:
    """Note it durably, before the old layer goes.

    Raises:
        StoreError: It cannot be written.
    """
    place = _place(root, old)
    draft = place.with_name(f".{uuid.uuid4().hex}.partial")
    try:
        place.parent.mkdir(mode=0o700, exist_ok=True)
        with draft.open("xb") as out:
            out.write(orjson.dumps(asdict(new)))
            out.flush()
            os.fsync(out.fileno())
        draft.replace(place)
        sync_folder(place.parent)
    except OSError as error:
        raise StoreError(f"Cannot write {place}: {error.strerror or error}.") from error
    finally:
        draft.unlink(missing_ok=True)


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
