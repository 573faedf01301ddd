"""The folder of an export, which replaces nothing but an export of this database."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from contextlib import AbstractContextManager
from pathlib import Path

from mlmcsc.adapters.folder_drafts import FolderDraft, folder_draft
from mlmcsc.adapters.tabular import file_sha256
from mlmcsc.domain.versions.exports import SUMS
from mlmcsc.errors import ConflictError

_LINE = re.compile(r"([0-9a-f]{64})  (.+)\n")


def exporting_folder(
    target: Path, known: Collection[str] | None
) -> AbstractContextManager[FolderDraft]:
    """A draft of an export; see `folder_draft`.

    Args:
        target: The folder to make.
        known: SHA-256 (hex) of the `SHA256SUMS` of exports, one of which may be replaced if every
            file still is what was written and nothing lies beside them; None: none may.

    Raises:
        ConflictError: Something is there that must stay.
        ValidationError: It cannot be written, or is a database's own.
    """

    def judge(target: Path) -> None:
        if known is None:
            raise ConflictError(f"{target} exists. Pass overwrite=True, or name another folder.")
        odd = _not_exported(target, known)
        if odd is not None:
            raise ConflictError(
                f"{target}: {odd}. Only an export that is as it was written is replaced. Move it "
                "away, or name another folder."
            )

    return folder_draft(target, judge)


def _not_exported(target: Path, known: Collection[str]) -> str | None:
    """Why this folder is not an export as it was written; None if it is."""
    sums = target / SUMS
    if not sums.is_file():
        return f"has no {SUMS}, so it is no export"
    if file_sha256(sums) not in known:
        return f"its {SUMS} is not of an export in this database's list"
    listed = {SUMS}
    with sums.open(encoding="utf-8") as lines:
        for line in lines:
            found = _LINE.fullmatch(line)
            path = target / found[2] if found else sums
            if found is None or path.is_symlink() or not path.is_file():
                return f"{SUMS} names what is not there, or is no such list"
            if not path.resolve().is_relative_to(target.resolve()):
                return f"{SUMS} names a file elsewhere"
            if file_sha256(path) != found[1]:
                return f"{found[2]} was changed since it was exported"
            listed.add(found[2])
    there = sum(_files(place, folders, files) for place, folders, files in os.walk(target))
    return None if there == len(listed) else "there are files in it that no export wrote"


def _files(place: str, folders: list[str], files: list[str]) -> int:
    """How many files are in a folder; a link to a folder is one too."""
    return len(files) + sum(os.path.islink(os.path.join(place, name)) for name in folders)
