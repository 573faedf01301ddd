"""A file that appears whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlmcsc.adapters.managed_files import sync_folder
from mlmcsc.adapters.precious_files import refuse_precious
from mlmcsc.errors import MlmcscError, ValidationError


@dataclass(frozen=True, slots=True)
class Draft:
    """A file in the making, in the folder of its target.

    Attributes:
        path: Where to write.
        target: Where it will be.
    """

    path: Path
    target: Path

    def publish(self) -> None:
        """Put it in place, durably: fsync, rename, fsync of the folder."""
        with self.path.open("rb+") as data:
            os.fsync(data.fileno())
        self.path.replace(self.target)
        sync_folder(self.target.parent)


@contextmanager
def draft(target: Path, refuse: Callable[[Path], None] = refuse_precious) -> Iterator[Draft]:
    """A draft of `target`; what is not published is removed.

    Args:
        target: Where it will be, in place of what is there.
        refuse: Raises for a target that must stay as it is.

    Raises:
        ConflictError: There is a database, a key file, a ledger or a proof.
        ValidationError: When the target or its folder cannot be written.
    """
    if os.path.isdir(target):
        raise ValidationError(f"{target}: is a folder. Name a file in it.")
    refuse(target)
    # A name of its own, not the target's made longer: that might be too long for the folder.
    path = target.with_name(f".mlmcsc-{secrets.token_hex(8)}.part")
    try:
        path.touch(exist_ok=False)
        try:
            yield Draft(path, target)
        finally:
            path.unlink(missing_ok=True)
    except OSError as error:
        if isinstance(error, MlmcscError):  # it has told what is wrong already
            raise
        raise ValidationError(
            f"{target}: cannot be written: {error.strerror or error}. {_repair(error, target)}"
        ) from error


def _repair(error: OSError, target: Path) -> str:
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return "Nothing was left behind. Make room on that disk, or name a file on another one."
    if error.errno == errno.ENOENT:
        return f"Create the folder {target.parent}, or name a file in another one."
    if error.errno == errno.ENAMETOOLONG:
        return "Give the file a shorter name."
    return f"Check the folder {target.parent} and its permissions, or name another file."
