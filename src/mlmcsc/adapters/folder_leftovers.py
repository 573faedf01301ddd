"""Folders in the making: whose maker lives is locked; what dead ones left is removed."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlmcsc.adapters.shredding import shred

_DRAFT = re.compile(r"(\.mlmcsc-[0-9a-f]{16}\.part)(-old)?")


@contextmanager
def in_the_making(draft: Path) -> Iterator[None]:
    """Keep a draft, and what it takes the place of, from being taken for a leftover.

    Raises:
        OSError: The folder around it cannot be written.
    """
    from filelock import FileLock  # noqa: PLC0415  35 ms, only to write

    place = _lock_of(draft)
    with FileLock(place):
        try:
            yield
        finally:
            place.unlink(missing_ok=True)  # no other has this name


def remove_leftovers(folder: Path) -> None:
    """Remove drafts in a folder whose makers are dead; what only they have is overwritten."""
    from filelock import FileLock, Timeout  # noqa: PLC0415  35 ms, only to write

    found = [each for each in folder.iterdir() if _DRAFT.fullmatch(each.name)]
    for each in found:
        if each.is_symlink() or not each.is_dir() or not os.access(each, os.W_OK):
            continue  # not ours, or another user's
        place = _lock_of(each)
        try:
            with FileLock(place, timeout=0):
                if each.is_dir():  # another run may have been here first
                    _remove(each)
                place.unlink(missing_ok=True)
        except Timeout:
            continue  # in the making


def _lock_of(draft: Path) -> Path:
    name = draft.name.removesuffix("-old").removesuffix(".part")
    return draft.with_name(f"{name}.lock")


def _remove(leftover: Path) -> None:
    for folder, _, names in os.walk(leftover):
        for path in (Path(folder, name) for name in names):
            if path.lstat().st_nlink == 1:  # of a hard link, the original has the same bytes
                shred(path)
    shutil.rmtree(leftover)
