"""Files of images, taken only if they are what was frozen."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from mlmcsc.errors import ImageFileError, ImageMissingError, ValidationError

PIECE = 1 << 20
T = TypeVar("T")


def copy(sources: Sequence[str], content_hash: str | None, target: Path) -> tuple[str, int]:
    """Copy the first source that has this hash; SHA-256 (hex) and size of the copy.

    Raises:
        ImageMissingError: There is no file.
        ImageFileError: None is what was frozen, or it cannot be read.
        OSError: The copy cannot be written.
    """

    def attempt(source: str) -> tuple[str, int]:
        digest, size = hashlib.sha256(), 0
        try:
            with target.open("wb") as out:
                for piece in _pieces(source):
                    digest.update(piece)
                    size += out.write(piece)
            return _checked(source, digest.hexdigest(), content_hash), size
        except BaseException:
            target.unlink(missing_ok=True)
            raise

    return _first(sources, attempt)


def link(sources: Sequence[str], content_hash: str | None, target: Path) -> tuple[str, int]:
    """As `copy`, with a second name for the same file.

    Raises:
        ImageMissingError: There is no file.
        ImageFileError: None is what was frozen, or it cannot be read.
        ValidationError: It cannot have a second name there.
    """

    def attempt(source: str) -> tuple[str, int]:
        digest = hashlib.sha256()
        for piece in _pieces(source):
            digest.update(piece)
        found = _checked(source, digest.hexdigest(), content_hash)
        try:
            os.link(os.path.realpath(source), target)
        except OSError as error:
            raise ValidationError(
                f"{source} cannot be linked into {target.parent}: {error.strerror or error}. "
                "Export with images='copy', or to the disk that has the images."
            ) from error
        return found, target.stat().st_size

    return _first(sources, attempt)


def read(sources: Sequence[str], content_hash: str | None) -> bytes:
    """The bytes of the first source that has this hash.

    Raises:
        ImageMissingError: There is no file.
        ImageFileError: None is what was frozen, or it cannot be read.
    """

    def attempt(source: str) -> bytes:
        raw = b"".join(_pieces(source))
        _checked(source, hashlib.sha256(raw).hexdigest(), content_hash)
        return raw

    return _first(sources, attempt)


def _pieces(source: str) -> Iterator[bytes]:
    try:
        with open(source, "rb") as data:
            while piece := data.read(PIECE):
                yield piece
    except FileNotFoundError:
        raise ImageMissingError(f"{source} is not there") from None
    except OSError as error:
        raise ImageFileError(f"{source}: {error.strerror or error}") from error


def _checked(source: str, found: str, wanted: str | None) -> str:
    if wanted is not None and found != wanted:
        raise ImageFileError(f"{source} was changed since it was frozen")
    return found


def _first(sources: Sequence[str], attempt: Callable[[str], T]) -> T:
    """The first attempt that succeeds; else the most telling failure."""
    failures: list[ImageFileError] = []
    for source in sources:
        try:
            return attempt(source)
        except ImageFileError as error:
            failures.append(error)
    raise next((each for each in failures if not isinstance(each, ImageMissingError)), failures[0])
