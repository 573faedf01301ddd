"""Whose a shared folder of versions is, before and after a restore."""

from __future__ import annotations

from pathlib import Path

import orjson

from mlmcsc.adapters.versions.journal import write_json
from mlmcsc.adapters.versions.ownership import FILE


def owner_of(root: Path) -> str | None:
    """Which database may write there; None where nobody has claimed it."""
    try:
        return str(orjson.loads((root / FILE).read_bytes())["database"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def hand_over(root: Path, before: str, after: str) -> None:
    """Give the folder to the database that took the place of the one before.

    Raises:
        StoreError: It cannot be written.
    """
    if owner_of(root) == before:
        write_json(root / FILE, {"database": after})
