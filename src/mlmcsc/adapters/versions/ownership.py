"""Whose a folder of versions is: copies of a database share its id, not its versions."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import orjson

from mlmcsc.adapters.versions.journal import write_json
from mlmcsc.errors import ConflictError

FILE: Final = "owner.json"


def claim(root: Path, owner: str) -> None:
    """Make a folder this database's, or see that it is.

    Args:
        root: The folder.
        owner: Which database, among copies with the same id.

    Raises:
        ConflictError: It is another's.
        StoreError: It cannot be written.
    """
    place = root / FILE
    try:
        found = orjson.loads(place.read_bytes())["database"]
    except FileNotFoundError:
        write_json(place, {"database": owner})
        return
    except (OSError, ValueError, TypeError, KeyError):
        found = "unreadable"
    if found != owner:
        raise ConflictError(
            f"The versions in {root} belong to {found}; this is {owner}, a copy of it or moved "
            "from there. It can read them, but not make, redact or delete any. If the other is "
            f"no longer in use, remove {place}; else set versioning.directory to another folder."
        )
