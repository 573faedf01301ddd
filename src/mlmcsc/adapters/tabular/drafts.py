"""A file that appears whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlmcsc.adapters.managed_files import sync_folder
from mlmcsc.errors import ValidationError


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
def draft(target: Path) -> Iterator[Draft]:
    """A draft of `target`; what is not published is removed.

    Raises:
        ValidationError: When the folder cannot be written.
    """
    path = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        path.touch(exist_ok=False)
    except OSError as error:
        raise ValidationError(
            f"{target}: cannot be written: {error.strerror}. Check the folder and its permissions."
        ) from error
    try:
        yield Draft(path, target)
    finally:
        path.unlink(missing_ok=True)
