"""Which files a folder, a pattern or a list means."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from mlmcsc.adapters.images import supported_suffixes
from mlmcsc.errors import ImageMissingError


def find_files(
    source: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    recursive: bool,
    apart: Sequence[Path] = (),
) -> tuple[list[str], int]:
    """The files that `source` names, absolute, each once, and how many were no images by name.

    Args:
        source: A folder, a glob pattern, one file, or paths.
        recursive: Whether sub-folders of a folder are searched.
        apart: Folders of our own (thumbnails, managed copies) that a search passes over.

    Raises:
        ImageMissingError: A folder or file does not exist, or a pattern fits nothing.
    """
    if not isinstance(source, str | os.PathLike):
        named = [os.path.abspath(os.fspath(path)) for path in source]
        return list(dict.fromkeys(named)), 0
    text = os.fspath(source)
    if os.path.isdir(text):
        found = sorted(_walk(text) if recursive else _flat(text))
    elif os.path.exists(text):
        return [os.path.abspath(text)], 0
    elif glob.has_magic(text):
        found = sorted(p for p in glob.glob(text, recursive=recursive) if os.path.isfile(p))
        if not found:
            raise ImageMissingError(f"{text}: the pattern fits no file.")
    else:
        raise ImageMissingError(f"{text}: there is no such folder or file.")
    ours = tuple(os.path.join(os.path.abspath(folder), "") for folder in apart)
    files = [path for path in map(os.path.abspath, found) if not path.startswith(ours)]
    suffixes = supported_suffixes()
    images = [path for path in files if os.path.splitext(path)[1].lower() in suffixes]
    return images, len(files) - len(images)


def _walk(folder: str) -> Iterator[str]:
    for parent, _, names in os.walk(folder):
        yield from (os.path.join(parent, name) for name in names)


def _flat(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        yield from [entry.path for entry in entries if entry.is_file()]
