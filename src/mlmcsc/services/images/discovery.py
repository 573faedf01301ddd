"""Which files a folder, a pattern or a list means."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from mlmcsc.adapters.images import supported_suffixes
from mlmcsc.errors import ImageMissingError

ANY_DEPTH = "**"


@dataclass(slots=True)
class Found:
    """What a source names.

    Attributes:
        files: Absolute paths, each once.
        ignored: How many further files are no images by name.
        unreadable: Folders that could not be searched, and why.
    """

    files: list[str]
    ignored: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)


def find_files(
    source: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    recursive: bool,
    apart: Sequence[Path] = (),
) -> Found:
    """The files that `source` names.

    Links to files are files; a search never follows links to folders, which may form loops.

    Args:
        source: A folder, a glob pattern, one file, or paths.
        recursive: Whether sub-folders of a folder, and `**` of a pattern, are searched.
        apart: Folders of our own (thumbnails, managed copies) that a search passes over.

    Raises:
        ImageMissingError: A folder or file does not exist, or a pattern fits nothing.
    """
    if not isinstance(source, str | os.PathLike):
        named = [os.path.abspath(os.fspath(path)) for path in source]
        return Found(list(dict.fromkeys(named)))
    text = os.fspath(source)
    unreadable: dict[str, str] = {}
    if os.path.isdir(text):
        found = sorted(_walk(text, unreadable, recursive=recursive))
    elif os.path.exists(text):
        return Found([os.path.abspath(text)])
    elif glob.has_magic(text):
        found = sorted(set(_fitting(text, unreadable, recursive=recursive)))
        if not found and not unreadable:
            raise ImageMissingError(f"{text}: the pattern fits no file.")
    else:
        raise ImageMissingError(f"{text}: there is no such folder or file.")
    ours = tuple(os.path.join(os.path.abspath(folder), "") for folder in apart)
    files = [path for path in map(os.path.abspath, found) if not path.startswith(ours)]
    suffixes = supported_suffixes()
    images = [path for path in files if _is_image(path, suffixes)]
    return Found(images, len(files) - len(images), unreadable)


def _is_image(path: str, suffixes: frozenset[str]) -> bool:
    """By its name; hidden files (`.x.jpg`, macOS's `._x.jpg`) belong to other programs."""
    name = os.path.basename(path)
    return os.path.splitext(name)[1].lower() in suffixes and not name.startswith(".")


def _walk(folder: str, unreadable: dict[str, str], *, recursive: bool = True) -> Iterator[str]:
    """The files in a folder, at any depth."""

    def note(error: OSError) -> None:
        unreadable[os.path.abspath(error.filename)] = (
            f"{error.filename}: the folder cannot be searched: {error.strerror}. Allow reading it, "
            "or ingest its files by a shorter path."
        )

    for parent, folders, names in os.walk(folder, onerror=note):
        if not recursive:
            folders.clear()
        yield from (os.path.join(parent, name) for name in names)


def _fitting(pattern: str, unreadable: dict[str, str], *, recursive: bool) -> Iterator[str]:
    """The files that fit a pattern.

    `glob` follows links below `**`: two links that form loops would keep it busy for ever. So
    only what stands before `**` is left to it.
    """
    before, *rest = pattern.split(os.sep + ANY_DEPTH + os.sep, 1)
    if pattern.startswith(ANY_DEPTH + os.sep):
        before, rest = os.curdir, [pattern.removeprefix(ANY_DEPTH + os.sep)]
    elif pattern.endswith(os.sep + ANY_DEPTH) and not rest:
        before, rest = pattern.removesuffix(os.sep + ANY_DEPTH), ["*"]
    if not recursive or not rest:
        yield from filter(os.path.isfile, glob.iglob(pattern))
        return
    wanted = [ANY_DEPTH, *rest[0].split(os.sep)]
    for base in filter(os.path.isdir, glob.iglob(before or os.sep)):
        for path in _walk(base, unreadable):
            if _fits(os.path.relpath(path, base).split(os.sep), wanted):
                yield os.path.normpath(path)


def _fits(names: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether the parts of a path fit those of a pattern; hidden names must be asked for."""
    if not wanted or not names:
        return not names and all(part == ANY_DEPTH for part in wanted)
    name, part = names[0], wanted[0]
    hidden = name.startswith(".") and not part.startswith(".")
    if part == ANY_DEPTH:
        return _fits(names, wanted[1:]) or (not hidden and _fits(names[1:], wanted))
    return not hidden and fnmatch(name, part) and _fits(names[1:], wanted[1:])
