"""Files of a dataset that nobody vouches for: found inside its folder, or refused."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson

from mlmcsc.adapters.images import supported_suffixes
from mlmcsc.errors import ValidationError

MOST_JSON: Final = 512_000_000
"""Bytes of a JSON file: COCO's own largest has 470 MB, and it is read into memory whole."""
MOST_NAME: Final = 1_000
_SPLIT = re.compile(r"(?<![a-z])(train|valid|validation|val|test)(?![a-z])", re.IGNORECASE)
_DRIVE = re.compile(r"^[a-zA-Z]:")


def parts_of(name: Any) -> tuple[str, ...]:
    """The parts of a file name in a dataset.

    Raises:
        ValidationError: It is no relative name, or leads upwards.
    """
    if not isinstance(name, str) or not name or len(name) > MOST_NAME or not name.isprintable():
        raise ValidationError(f"{str(name)[:80]!r}: is no file name.")
    parts = tuple(part for part in name.replace("\\", "/").split("/") if part not in {"", "."})
    if name[0] in "/\\" or _DRIVE.match(name) or ".." in parts or not parts:
        raise ValidationError(f"{name!r}: leads out of the dataset's folder; give relative names.")
    return parts


def file_inside(root: Path, name: Any, *bases: Path) -> str:
    """The first regular file of that name below one of `bases`, absolute.

    Raises:
        ValidationError: There is none, or it lies outside `root` (also through a link).
    """
    parts = parts_of(name)
    for base in bases:
        path = base.joinpath(*parts)
        if path.is_file():
            return inside(root, path)
    raise ValidationError(f"{name!r}: there is no such image in the dataset's folder.")


def inside(root: Path, path: Path) -> str:
    """The absolute path of a regular file that lies in `root`, links followed.

    Raises:
        ValidationError: It lies elsewhere, or is a pipe or device, which might never end.
    """
    if not path.resolve().is_relative_to(root.resolve()):
        raise ValidationError(f"{path}: is a link out of the dataset's folder.")
    if not path.is_file():
        raise ValidationError(f"{path}: is no regular file.")
    return os.path.abspath(path)


def images_below(folder: Path) -> Iterator[Path]:
    """Files that may be images by their names, sorted; links to folders are not followed."""
    suffixes = supported_suffixes()
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if os.path.splitext(name)[1].lower() in suffixes and not name.startswith("."):
                yield Path(parent, name)


def read_json(path: Path) -> Any:
    """A JSON file of bounded size.

    Raises:
        ValidationError: It is too large, cannot be read, or is no JSON.
    """
    try:
        size = path.stat().st_size
        if size > MOST_JSON:
            raise ValidationError(
                f"{path}: has {size:,} bytes; JSON is read up to {MOST_JSON:,}. Split the dataset."
            )
        return orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise ValidationError(f"{path}: is no JSON: {error}.") from None
    except OSError as error:
        raise ValidationError(f"{path}: cannot be read: {error.strerror or error}.") from None


def split_in(text: str) -> str | None:
    """The split that a file or folder name speaks of: `train`, `val` or `test`."""
    found = _SPLIT.search(text.replace("_", "-"))
    if found is None:
        return None
    word = found[1].lower()
    return "val" if word.startswith("val") else word
