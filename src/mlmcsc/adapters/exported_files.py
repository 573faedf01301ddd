"""Files that are exported: they appear after their event, and go with whom they tell of."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlmcsc.adapters.managed_files import sync_folder
from mlmcsc.adapters.tabular import draft, file_sha256, format_of, open_reader
from mlmcsc.domain.privacy.mentions import Mentions
from mlmcsc.errors import ConflictError, MlmcscError, ValidationError

ROWS = 1_000
"""Read at a time, when a file is searched for names."""


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
        ConflictError: The target exists and must not be overwritten; databases, keys, ledgers and
            proofs never are.
        ValidationError: It cannot be written, or is a database's own.
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


def remove_exported(
    exports: Iterable[Mapping[str, str]], names: Iterable[str] = ()
) -> tuple[list[str], dict[str, str]]:
    """Delete files that still are what was exported.

    Args:
        exports: `path` and `sha256` of each; a path that was exported to again comes repeatedly.
            One with `only`, and its `format`, goes if the names are in it.
        names: The person's.

    Returns:
        The paths deleted; and why each other one was not, by path.
    """
    return _sorted_out(exports, names, _delete)


def removable(
    exports: Iterable[Mapping[str, str]], names: Iterable[str] = ()
) -> tuple[list[str], dict[str, str]]:
    """The paths that `remove_exported` would delete, and why not the others."""
    return _sorted_out(exports, names, lambda _: None)


def _sorted_out(
    exports: Iterable[Mapping[str, str]], names: Iterable[str], act: Callable[[Path], None]
) -> tuple[list[str], dict[str, str]]:
    words = Mentions(names)
    going: list[str] = []
    left: dict[str, str] = {}
    known: dict[str, dict[str, str]] = {}
    for export in exports:
        known.setdefault(export["path"], {})[export["sha256"]] = export.get("format", "")
    for path, contents in known.items():
        why = _obstacle(Path(path), contents, words, act)
        if why is None:
            going.append(path)
        else:
            left[path] = why
    return going, left


def _delete(path: Path) -> None:
    """The file; and the link that stands where it was written, if it was moved behind one."""
    target = path.resolve()
    target.unlink()
    sync_folder(target.parent)
    if path.is_symlink():
        path.unlink()
        sync_folder(path.parent)


def _obstacle(
    path: Path, contents: Mapping[str, str], words: Mentions, act: Callable[[Path], None]
) -> str | None:
    """Do it if the file is what was exported; else why not."""
    try:
        if not path.is_file():
            return "it is not there any more: moved, or deleted by somebody"
        digest = file_sha256(path)
        if digest not in contents:
            link = f"it is a link to {path.resolve()}, and that " if path.is_symlink() else "it "
            return f"{link}was changed since; look at it and delete it by hand"
        if contents[digest] and not _names(path, contents[digest], words):
            return "it does not name the person"
        act(path)
    except OSError as error:
        return f"it cannot be deleted: {error.strerror or error}"
    except MlmcscError as error:
        return str(error)
    return None


def _names(path: Path, kind: str, words: Mentions) -> bool:
    """Whether one of its cells names the person."""
    return any(
        words.removed(cell) != cell
        for chunk in open_reader(path, format_of(path, kind)).chunks(ROWS)
        for column in chunk.columns.values()
        for cell in column
        if isinstance(cell, str | dict | list)
    )
