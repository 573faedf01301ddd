"""A folder that appears whole or not at all, and replaces nothing but an export."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlmcsc.adapters.managed_files import sync_folder
from mlmcsc.adapters.precious_files import refuse_managed
from mlmcsc.adapters.tabular import file_sha256
from mlmcsc.domain.versions.exports import SUMS
from mlmcsc.errors import ConflictError, MlmcscError, ValidationError

_LINE = re.compile(r"([0-9a-f]{64})  (.+)\n")


@dataclass(frozen=True, slots=True)
class FolderDraft:
    """A folder in the making, beside its target.

    Attributes:
        path: Where to write.
        target: Where it will be.
        overwrite: Whether an export that is there is replaced.
    """

    path: Path
    target: Path
    overwrite: bool

    def check_target(self) -> None:
        """Refuse a target that must stay; see `folder_draft`."""
        _refuse_taken(self.target, overwrite=self.overwrite)

    def publish(self) -> None:
        """Put it in place; what was there goes afterwards."""
        for folder, _, _ in os.walk(self.path):
            sync_folder(Path(folder))
        old = self.path.with_name(f"{self.path.name}-old")
        if os.path.lexists(self.target):
            self.target.replace(old)
        self.path.replace(self.target)
        sync_folder(self.target.parent)
        if old.exists():
            shutil.rmtree(old)


@contextmanager
def folder_draft(target: Path, *, overwrite: bool) -> Iterator[FolderDraft]:
    """A draft of the folder `target`, put in place when the block has ended well.

    The block commits the event that names the folder; see `adapters.exported_files.exporting`.

    Raises:
        ConflictError: The target is there and is neither an empty folder nor, with `overwrite`, an
            export of which every file still is what was written and beside which nothing lies.
        ValidationError: It cannot be written, or is a database's own.
    """
    refuse_managed(target)
    refuse_managed(target / "any")
    _refuse_taken(target, overwrite=overwrite)
    path = target.with_name(f".mlmcsc-{secrets.token_hex(8)}.part")
    try:
        path.mkdir(parents=True)
        try:
            made = FolderDraft(path, target, overwrite)
            yield made
            made.publish()
        finally:
            shutil.rmtree(path, ignore_errors=True)  # published, it is not there any more
    except OSError as error:
        if isinstance(error, MlmcscError):  # it has told what is wrong already
            raise
        raise ValidationError(
            f"{target}: cannot be written: {error.strerror or error}. Check free space, and the "
            f"folder {target.parent} and its permissions; or name another folder."
        ) from error


def _refuse_taken(target: Path, *, overwrite: bool) -> None:
    if not os.path.lexists(target):
        return
    if target.is_symlink() or not target.is_dir():
        raise ConflictError(f"{target} is there and is no folder. Name another one.")
    if not any(target.iterdir()):
        return
    if not overwrite:
        raise ConflictError(f"{target} exists. Pass overwrite=True, or name another folder.")
    odd = _not_exported(target)
    if odd is not None:
        raise ConflictError(
            f"{target}: {odd}. Only an export that is as it was written is replaced. Move it away, "
            "or name another folder."
        )


def _not_exported(target: Path) -> str | None:
    """Why this folder is not an export as it was written; None if it is."""
    sums = target / SUMS
    if not sums.is_file():
        return f"has no {SUMS}, so it is no export"
    left = sum(_unlisted(place, folders, files) for place, folders, files in os.walk(target)) - 1
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
            left -= 1
    return "there are files in it that no export wrote" if left else None


def _unlisted(place: str, folders: list[str], files: list[str]) -> int:
    """How many files are in a folder; a link to a folder is one too."""
    return len(files) + sum(os.path.islink(os.path.join(place, name)) for name in folders)
