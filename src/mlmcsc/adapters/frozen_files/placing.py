"""Putting images where they were asked for, from the first path that has their content."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from mlmcsc.adapters.frozen_files.copying import HOW, Placing
from mlmcsc.adapters.frozen_files.hashing import open_regular
from mlmcsc.errors import ImageFileError, ImageMissingError

T = TypeVar("T")

ENDINGS: Final = frozenset(
    {".bmp", ".btf", ".gif", ".jp2", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
)
"""Such as images have; any other may be a word, and name somebody."""
OTHER: Final = ".bin"
OWN_FAULTS: Final = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EXDEV, errno.EMLINK, errno.EPERM}
)
"""Errors that every other image would meet too: the disk, or links that cannot be made."""


def image_name(image_id: int, path: str) -> str:
    """The name of an image's file: the id, so that names sort as ids do and tell nothing more."""
    return f"{image_id:012d}{ending(path)}"


def ending(path: str) -> str:
    """The ending of an image's file, lower case with the dot; `.bin` for what is no image's."""
    found = os.path.splitext(path)[1].lower()
    return found if found in ENDINGS else OTHER


def place_image(
    sources: Sequence[str], target: Path, sha256: str | None, how: Placing
) -> tuple[str, int]:
    """Put the content of the first source that has this hash at `target`.

    What is hashed is what ends up there: a copy's own bytes, or the linked file.

    Args:
        sources: Absolute paths, likeliest first; at least one.
        target: Where to; nothing is there yet.
        sha256: The hash (hex) that the content must have; None: any.
        how: As a copy (sharing its blocks where the file system can), or as a link.

    Returns:
        SHA-256 (hex) and size in bytes.

    Raises:
        ImageMissingError: There is no file.
        ImageFileError: None is what was frozen, or it cannot be read; nothing is at `target`.
        OSError: The target cannot be written, or not be linked.
    """

    def attempt(source: str) -> tuple[str, int]:
        found, size = HOW[how](source, target)
        if sha256 in {None, found}:
            return found, size
        target.unlink()
        raise _changed(source)

    return _first(sources, attempt)


def read_image(sources: Sequence[str], sha256: str | None) -> bytes:
    """The bytes of the first source that has this hash.

    Raises:
        ImageMissingError: There is no file.
        ImageFileError: None is what was frozen, or it cannot be read.
    """

    def attempt(source: str) -> bytes:
        with open_regular(source) as descriptor, os.fdopen(os.dup(descriptor), "rb") as data:
            raw = data.read()
        if sha256 not in {None, hashlib.sha256(raw).hexdigest()}:
            raise _changed(source)
        return raw

    return _first(sources, attempt)


def _changed(source: str) -> ImageFileError:
    return ImageFileError(f"{source} was changed since it was frozen")


def _first(sources: Sequence[str], attempt: Callable[[str], T]) -> T:
    """The first attempt that succeeds; else the most telling failure."""
    failures: list[ImageFileError] = []
    for source in sources:
        try:
            return attempt(source)
        except ImageFileError as error:
            failures.append(error)
        except FileNotFoundError:
            failures.append(ImageMissingError(f"{source} is not there"))
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno in OWN_FAULTS:
                raise
            why = getattr(error, "strerror", None) or error
            failures.append(ImageFileError(f"{source}: {why}"))
    raise next((each for each in failures if not isinstance(each, ImageMissingError)), failures[0])
