"""A folder that appears whole or not at all; what was there before goes last, or comes back."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mlmcsc.adapters.folder_leftovers import in_the_making, remove_leftovers
from mlmcsc.adapters.managed_files import sync_folder
from mlmcsc.adapters.precious_files import refuse_managed
from mlmcsc.domain.versions.exports import SUMS
from mlmcsc.errors import ConflictError, MlmcscError, ValidationError

CARD: Final = "croissant.json"
"""In every exported folder, beside `SUMS`."""
MARKER: Final = ".mlmcsc-checkout.json"
"""In every checkout."""
_UNSEEN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Controls, line ends, and what turns the direction of writing: a list would show another name."""


@dataclass(frozen=True, slots=True)
class FolderDraft:
    """A folder in the making, beside its target.

    Attributes:
        path: Where to write.
        target: Where it will be.
        judge: Raises `ConflictError` where what is in the target must stay.
    """

    path: Path
    target: Path
    judge: Callable[[Path], None]

    def check_target(self) -> None:
        """Refuse a target that must stay; see `folder_draft`."""
        if not os.path.lexists(self.target):
            return
        if self.target.is_symlink() or not self.target.is_dir():
            raise ConflictError(f"{self.target} is there and is no folder. Name another one.")
        if any(self.target.iterdir()):
            self.judge(self.target)

    def publish(self) -> None:
        """Put it in place; what was there goes when the new folder is there."""
        for folder, _, files in os.walk(self.path):
            if Path(folder) == self.path:  # tables and lists; images have their hashes in these
                for name in files:
                    _sync(self.path / name)
            sync_folder(Path(folder))
        old = self.path.with_name(f"{self.path.name}-old")
        if os.path.lexists(self.target):
            self.target.replace(old)
        try:
            self.path.replace(self.target)
        except BaseException:
            if old.exists():
                old.replace(self.target)
            raise
        sync_folder(self.target.parent)
        if old.exists():
            shutil.rmtree(old)


@contextmanager
def folder_draft(target: Path, judge: Callable[[Path], None]) -> Iterator[FolderDraft]:
    """A draft of the folder `target`, put in place when the block has ended well.

    The block commits the event that names the folder; see `adapters.exported_files.exporting`.

    Args:
        target: The folder to make, with those above it.
        judge: Called with a target that has something in it; raises `ConflictError` if that must
            stay.

    Raises:
        ConflictError: The target is there and must stay.
        ValidationError: It cannot be written, is a database's own or in another export, or its
            name has characters that nobody sees.
    """
    _refuse_unseen(target)
    refuse_managed(target)
    refuse_managed(target / "any")
    _refuse_inside(target)
    draft = FolderDraft(target.with_name(f".mlmcsc-{secrets.token_hex(8)}.part"), target, judge)
    draft.check_target()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(target.parent)
        with in_the_making(draft.path):
            draft.path.mkdir()
            try:
                yield draft
                draft.publish()
            finally:
                shutil.rmtree(draft.path, ignore_errors=True)  # published, it is not there any more
    except OSError as error:
        if isinstance(error, MlmcscError):  # it has told what is wrong already
            raise
        raise ValidationError(
            f"{target}: cannot be written: {error.strerror or error}. {_repair(error, target)}"
        ) from error


def _refuse_unseen(target: Path) -> None:
    found = _UNSEEN.search(str(target))
    if found is not None:
        raise ValidationError(
            f"target={str(target)!a}: has the character {found[0]!a}, which nobody sees in a list. "
            "Name another folder."
        )


def _refuse_inside(target: Path) -> None:
    """Refuse what would spoil another export: it would not be as it was written any more."""
    for folder in Path(os.path.realpath(target)).parents:
        if (folder / MARKER).is_file() or all((folder / x).is_file() for x in (SUMS, CARD)):
            raise ValidationError(
                f"{target}: lies in {folder}, which was exported itself. Name a folder elsewhere."
            )


def _repair(error: OSError, target: Path) -> str:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "Nothing was left behind. Make room there, or link the images instead of copying."
    if error.errno in {errno.EXDEV, errno.EMLINK, errno.EPERM}:
        return "The originals cannot be linked from there: copy the images instead."
    return f"Check the folder {target.parent} and its permissions, or name another folder."


def _sync(path: Path) -> None:
    with path.open("rb+") as data:
        os.fsync(data.fileno())
