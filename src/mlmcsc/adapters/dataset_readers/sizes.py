"""The size of an image by its file: what a dataset says of it is only compared."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlmcsc.adapters.dataset_readers.unpacking import unpack
from mlmcsc.adapters.image_containers import read_container
from mlmcsc.adapters.image_containers.source import open_source
from mlmcsc.domain.foreign_datasets import Packed
from mlmcsc.errors import ValidationError

Size = tuple[int, int]
"""Width and height in pixels, as stored (EXIF orientation not applied)."""
_MOST_DIGITS = 18


def checked_size(image: str | Packed, width: Any = None, height: Any = None) -> Size:
    """The size of the image, which the dataset does not contradict.

    Args:
        image: Its path, or its place in a tar.
        width: What the dataset says; passed over where it is no number above 0.
        height: Likewise.

    Raises:
        ValidationError: The dataset speaks of another size, or the image cannot be read.
    """
    real = _size_of(image)
    told = side(width), side(height)
    if any(one is not None and one != other for one, other in zip(told, real, strict=True)):
        said, found = (f"{across or '?'} x {down or '?'} px" for across, down in (told, real))
        raise ValidationError(
            f"The dataset says that the image has {said}; it has {found} as stored, without EXIF "
            "orientation. Take the picture that the boxes were drawn on, or correct the size."
        )
    return real


def side(told: Any) -> float | None:
    """A width or height, where it is one; CSV has it as text."""
    if isinstance(told, str) and told.isascii() and told.isdecimal() and len(told) <= _MOST_DIGITS:
        told = int(told)
    number = isinstance(told, int | float) and not isinstance(told, bool)
    return told if number and told > 0 else None


def _size_of(image: str | Packed) -> Size:
    if isinstance(image, Packed):
        with TemporaryDirectory(prefix="mlmcsc-dataset-") as folder:
            return _size_of(unpack(image, Path(folder), 0))
    with open_source(image) as (source, _):
        # How large an image may be is the ingest's affair: nothing is decoded here.
        page = read_container(source, sys.maxsize).pages[0]
    return page.width, page.height
