"""Emptying folders of derived data."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from mlmcsc.errors import StoreError


def purge(folder: Path) -> int:
    """Remove a cache folder with all that is in it; it is made again when it is next needed.

    Returns:
        How many files there were.

    Raises:
        StoreError: Something in it cannot be removed.
    """
    if not folder.is_dir():
        return 0
    count = sum(len(names) for _, _, names in os.walk(folder))
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise StoreError(
            f"The cache {folder} cannot be removed: {error.strerror or error}. Allow it, then run "
            "the same command again."
        ) from error
    return count
