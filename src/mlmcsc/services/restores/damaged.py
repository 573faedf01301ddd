"""Files that are there, but not as they should be: kept aside, so that nothing is lost."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import Final

from mlmcsc.adapters.managed_files import sync_folder
from mlmcsc.errors import StoreError

FOLDER: Final = ".damaged-"
"""Beside the folder that it is of, so that nobody takes what is in it for the folder's."""


def is_right(path: Path, sha256: str, n_bytes: int) -> bool:
    """Whether the file is there with these bytes; one that cannot be read is not."""
    try:
        if path.stat().st_size != n_bytes:
            return False
        with path.open("rb") as data:
            return hashlib.file_digest(data, "sha256").hexdigest() == sha256
    except OSError:
        return False


def keep_aside(path: Path, root: Path, run: str) -> Path:
    """Keep a damaged file or folder in `ROOT.damaged-RUN`; a file stays at its place, too.

    So there is something at the place until the whole one takes it.

    Raises:
        StoreError: It cannot be kept.
    """
    aside = Path(f"{root}{FOLDER}{run}") / path.relative_to(root)
    try:
        aside.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.is_dir():
            shutil.move(path, aside)
        elif not aside.exists():
            try:
                os.link(path, aside)
            except OSError:  # a file system without hard links
                shutil.copyfile(path, aside)
        sync_folder(aside.parent)
    except OSError as error:
        raise StoreError(
            f"{path} is damaged, and cannot be kept aside as {aside}: {error.strerror or error}. "
            "Nothing was replaced; move it away and repeat."
        ) from error
    return aside
