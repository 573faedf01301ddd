"""Files that are exported: they appear after their event, and go with whom they tell of."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlmcsc.adapters.managed_files import sync_folder
from mlmcsc.adapters.tabular import draft, file_sha256
from mlmcsc.errors import ConflictError, MlmcscError, ValidationError


@dataclass(frozen=True, slots=True)
class Export:
    """A file in the making.

    Attributes:
        path: Where to write.
        target: Where it will be.
        overwrite: Whether what is there is replaced.
    """

    path: Path
    target: Path
    overwrite: bool

    def measured(self) -> tuple[str, int]:
        """SHA-256 (hex) and size in bytes of what was written.

        Raises:
            ConflictError: The target has come to be there meanwhile.
        """
        _refuse_taken(self.target, overwrite=self.overwrite)
        return file_sha256(self.path), self.path.stat().st_size


@contextmanager
def exporting(target: Path, *, overwrite: bool) -> Iterator[Export]:
    """A file that appears, whole, when the block has ended well.

    The block commits the event that names the file: an event without its file harms nobody, while
    a file without an event would never be found when a person in it is to be erased.

    Raises:
        ConflictError: The target exists and must not be overwritten.
        ValidationError: It cannot be written.
    """
    _refuse_taken(target, overwrite=overwrite)
    with draft(target) as made:
        yield Export(made.path, target, overwrite)
        try:
            made.publish()
        except OSError as error:
            raise ValidationError(
                f"{target}: was written but cannot be put in place: "
                f"{error.strerror or error}. The audit trail tells of an export that is not there. "
                "Repair the folder, or name another file, and export again."
            ) from error


def _refuse_taken(target: Path, *, overwrite: bool) -> None:
    if os.path.isfile(target) and not overwrite:
        raise ConflictError(f"{target} exists. Pass overwrite=True, or name another file.")


def remove_exported(exports: Iterable[Mapping[str, str]]) -> tuple[list[str], dict[str, str]]:
    """Delete files that still are what was exported.

    Args:
        exports: `path` and `sha256` of each; a path that was exported to again comes repeatedly.

    Returns:
        The paths deleted; and why each other one was not, by path.
    """
    deleted, left = [], {}
    for path, known in _contents(exports).items():
        why = _obstacle(path, known, _delete)
        if why is None:
            deleted.append(path)
        else:
            left[path] = why
    return deleted, left


def removable(exports: Iterable[Mapping[str, str]]) -> list[str]:
    """The paths that `remove_exported` would delete."""
    return [path for path, known in _contents(exports).items() if _obstacle(path, known) is None]


def _contents(exports: Iterable[Mapping[str, str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for export in exports:
        found.setdefault(export["path"], set()).add(export["sha256"])
    return found


def _delete(path: Path) -> None:
    path.unlink()
    sync_folder(path.parent)


def _obstacle(
    name: str, known: set[str], act: Callable[[Path], None] = lambda _: None
) -> str | None:
    """Do it if the file is what was exported; else why not."""
    path = Path(name)
    try:
        if not path.is_file():
            return "it is not there any more: moved, or deleted by somebody"
        if file_sha256(path) not in known:
            return "it was changed since; look at it and delete it by hand"
        act(path)
    except OSError as error:
        return f"it cannot be deleted: {error.strerror or error}"
    except MlmcscError as error:
        return str(error)
    return None
