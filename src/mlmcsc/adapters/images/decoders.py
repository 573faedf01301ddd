"""The foreign decoders (Pillow, tifffile, OpenCV), behind one error."""

from __future__ import annotations

import functools
import importlib.util
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mlmcsc.adapters.image_containers.container import Container
from mlmcsc.adapters.image_containers.jpeg import EXIF
from mlmcsc.adapters.image_containers.source import ByteSource
from mlmcsc.errors import MlmcscError

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

Pixels = npt.NDArray[Any]
MORE_DECODERS = "Install mlmcsc[ome], which brings more decoders"


@contextmanager
def decoding(source: ByteSource) -> Iterator[None]:
    """Turn whatever a decoder raises on damaged bytes into an `ImageFileError`."""
    try:
        yield
    except MlmcscError:
        raise
    except Exception as error:
        # Hostile bytes make decoders raise anything: struct, zlib, Index, Memory, Syntax errors.
        reason = f"{type(error).__name__}: {error}"
        raise source.fault(f"the pixels cannot be decoded ({reason})") from error


@contextmanager
def pillow_image(source: ByteSource, container: Container) -> Iterator[ImageFile]:
    """Open a JPEG, PNG or BMP with the one Pillow decoder for its format.

    The class is called itself, not `Image.open`: no other format can answer, and the pixel limit
    is ours, checked before, not Pillow's process-wide one.

    Raises:
        ImageFileError: When opening, or what is done with the image inside, fails.
    """
    from PIL.BmpImagePlugin import BmpImageFile  # noqa: PLC0415 - Pillow only when decoding
    from PIL.JpegImagePlugin import JpegImageFile  # noqa: PLC0415
    from PIL.PngImagePlugin import PngImageFile  # noqa: PLC0415

    kinds: dict[str, type[ImageFile]] = {
        "jpeg": JpegImageFile,
        "png": PngImageFile,
        "bmp": BmpImageFile,
    }
    stream = source.stream()
    if container.format == "jpeg" and (container.directories or container.problem):
        # Pillow would parse EXIF for a resolution, slowly, and warn when the block is damaged.
        stream = io.BytesIO(source.at(0, source.size).replace(EXIF, bytes(len(EXIF)), 1))
    with decoding(source), stream, kinds[container.format](stream) as image:
        yield image


def opencv_page(source: ByteSource, page: int) -> Pixels:
    """Decode page `page` with OpenCV as stored: `(H, W)` or `(H, W, C)`, RGB order.

    Raises:
        ImageFileError: When OpenCV cannot.
    """
    import cv2  # noqa: PLC0415 - heavy

    data = np.frombuffer(source.at(0, source.size), np.uint8)
    done, pages = cv2.imdecodemulti(data, cv2.IMREAD_UNCHANGED, range=(page, page + 1))
    if not done or not pages:
        raise source.fault("the pixels cannot be decoded here", MORE_DECODERS)
    pixels: Pixels = pages[0]
    if pixels.ndim == 3 and pixels.shape[2] >= 3:  # noqa: PLR2004 - colour
        order = [2, 1, 0, *range(3, pixels.shape[2])]
        pixels = pixels[:, :, order]
    return pixels


def tifffile_page(source: ByteSource, page: int) -> Pixels:
    """Decode TIFF page `page` with tifffile: `(H, W)`, `(H, W, C)` or, if planar, `(C, H, W)`."""
    import tifffile  # noqa: PLC0415 - heavy

    with source.stream() as stream, tifffile.TiffFile(stream) as tiff:
        pixels: Pixels = tiff.pages[page].asarray()
    return pixels


@functools.cache
def has_imagecodecs() -> bool:
    """Whether tifffile can decode compressed pages (the extra `ome`)."""
    return importlib.util.find_spec("imagecodecs") is not None


def check_page(source: ByteSource, container: Container, page: int) -> None:
    """Refuse a page number that the file does not have."""
    if not 0 <= page < len(container.pages):
        raise source.fault(
            f"it has no page {page}", f"Ask for a page from 0 to {len(container.pages) - 1}"
        )
