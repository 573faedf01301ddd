"""Files that no export may replace, whatever it was told: databases, keys, ledgers, proofs.

They are known by what they hold, so that a second name or a link does not hide one. An encrypted
database has no mark; but it is binary, and of binary files only ZIP, Parquet and plots were ever
exported. Plots say that they are ours: any other picture may be a micrograph.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from mlmcsc.domain.release import DRAWN_BY
from mlmcsc.errors import ConflictError, ValidationError

LOOKED_AT: Final = 4096
"""Bytes at the beginning: random ones are without a zero once in nine million files."""
SQLITE: Final = b"SQLite format 3\0"
PNG: Final = b"\x89PNG\r\n\x1a\n"
EXPORTED: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PAR1")
OURS: Final = {
    re.compile(rb'"format"\s*:\s*"mlmcsc-keys-'): "a key file",
    re.compile(rb'"format"\s*:\s*"mlmcsc-erasure-1"'): "an erasure ledger",
    re.compile(rb'"format"\s*:\s*"mlmcsc-erasure-certificate-'): "a certificate of erasure",
    re.compile(rb'"origin"\s*:\s*"mlmcsc/[0-9a-f]{32}"'): "a checkpoint",
}
COMPANIONS: Final = ("-wal", "-shm", "-journal")
FOLDERS: Final = (".images", ".cache", ".archive", ".versions")


def refuse_precious(target: Path) -> None:
    """Refuse a place in which something is that cannot be had back, or that a database manages.

    Raises:
        ConflictError: It holds a database, a key file, an erasure ledger, a checkpoint, a
            certificate, or what is no export.
        ValidationError: It belongs to a database's own files, or cannot be read.
    """
    refuse_managed(target)
    if not os.path.isfile(target):
        return
    try:
        with target.open("rb") as file:
            start = file.read(LOOKED_AT)
    except OSError as error:
        raise ValidationError(
            f"{target}: is there and cannot be read: {error.strerror or error}. Name another file."
        ) from error
    what = what_it_is(start)
    if what is not None:
        raise ConflictError(f"{target} is {what}; it is never overwritten. Name another file.")


def what_it_is(start: bytes) -> str | None:
    """What a file with this beginning is that must stay; None for what may be replaced."""
    if start.startswith(SQLITE):
        return "a database"
    drawn = start.startswith(PNG) and DRAWN_BY in start
    if not start.startswith(EXPORTED) and not drawn and b"\0" in start:
        return "a binary file that is no export: a database, or an image"
    return next((what for form, what in OURS.items() if form.search(start)), None)


def refuse_managed(target: Path) -> None:
    """Refuse a database's companion files, and all in the folders that it manages.

    Raises:
        ValidationError: It is one.
    """
    path = Path(os.path.realpath(target))
    for ending in COMPANIONS:
        if path.name.endswith(ending) and _is_database(path, path.name.removesuffix(ending)):
            raise ValidationError(f"{path} belongs to the database beside it. Name another file.")
    for folder in path.parents:
        for ending in FOLDERS:
            if folder.name.endswith(ending) and _is_database(
                folder, folder.name.removesuffix(ending)
            ):
                raise ValidationError(
                    f"{folder} is a folder that the database beside it manages. Name a file "
                    "elsewhere."
                )


def _is_database(beside: Path, name: str) -> bool:
    return bool(name) and os.path.isfile(beside.with_name(name))
