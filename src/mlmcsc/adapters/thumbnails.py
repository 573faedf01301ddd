"""Small pictures for people to look at."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mlmcsc.adapters.image_containers import read_container
from mlmcsc.adapters.image_containers.container import Container
from mlmcsc.adapters.image_containers.source import ByteSource, open_source
from mlmcsc.adapters.images.decoders import Pixels, decoding, pillow_image
from mlmcsc.adapters.images.facts import DEFAULT_MAX_PIXELS
from mlmcsc.adapters.images.pixels import decode
from mlmcsc.adapters.images.preview import upright
from mlmcsc.adapters.microscope_metadata.exif import orientation
from mlmcsc.errors import StoreError, ValidationError

if TYPE_CHECKING:
    from PIL.Image import Image

KINDS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG"}
MIN_SIZE, MAX_SIZE = 16, 4096
DRAFT_FACTOR = 2
"""A JPEG is decoded at no less than this many times the thumbnail's size."""
OVERSAMPLING = 4
"""Pictures of more than 8 bits are thinned to at least this many times the thumbnail's size."""
WINDOW_PERCENTILES = (0.5, 99.5)
SAMPLE_PIXELS = 1_000_000
"""Percentiles are taken from about this many pixels: enough, and quick on huge pictures."""
GREY, RGB = 1, 3
QUALITY = 85


@dataclass(frozen=True, slots=True)
class Original:
    """The file that was stored, to recognise it by; None where that is not known.

    Attributes:
        file_size: Bytes.
        mtime_ns: Modification time, nanoseconds since the epoch.
        content_hash: SHA-256, hexadecimal.
    """

    file_size: int | None
    mtime_ns: int | None
    content_hash: str | None

    def check(self, source: ByteSource, status: os.stat_result) -> None:
        """Refuse another picture; content is read again only where the time differs.

        Raises:
            ImageFileError: The file holds other content.
        """
        changed = self.file_size not in {None, source.size}
        if not changed and self.content_hash is not None and self.mtime_ns != status.st_mtime_ns:
            changed = source.sha256() != self.content_hash
        if changed:
            raise source.fault(
                "the file holds other content than when it was stored",
                "Put the stored file back, or store the new picture under a new path",
            )


def write_thumbnail(
    path: str | os.PathLike[str],
    target: Path,
    *,
    size: int = 256,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    original: Original | None = None,
) -> Path:
    """Write a thumbnail of the first page, turned upright.

    Pictures of more than 8 bits are windowed: the 0.5th percentile becomes black, the 99.5th white.
    The file appears whole or not at all (temporary file in the same directory, fsync, rename).

    Args:
        path: The image file.
        target: Where to write; `.jpg`, `.jpeg` or `.png`. Its directory must exist.
        size: Length of the longer side in pixels, 16 to 4096. Smaller pictures are not enlarged.
        max_pixels: Largest allowed width x height, checked before anything is decoded.
        original: What the file must still be; None takes it as it is.

    Returns:
        `target`.

    Raises:
        ImageMissingError: When there is no such image file.
        ImageFileError: When it cannot be read whole, or is not the `original`.
        ValidationError: When `size` or the suffix of `target` is wrong.
        StoreError: When the thumbnail cannot be written.
    """
    kind = KINDS.get(target.suffix.lower())
    if kind is None:
        raise ValidationError(f"{target}: a thumbnail is written as .jpg, .jpeg or .png")
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise ValidationError(f"size={size}: a thumbnail has {MIN_SIZE} to {MAX_SIZE} pixels")
    absolute = os.path.abspath(path)
    with open_source(absolute) as (source, status):
        if original is not None:
            original.check(source, status)
        container = read_container(source, max_pixels)
        picture = _picture(source, container, size)
        with decoding(source):
            from PIL import Image  # noqa: PLC0415 - Pillow only when pixels are looked at

            picture.thumbnail((size, size), Image.Resampling.LANCZOS, reducing_gap=DRAFT_FACTOR)
    turn = orientation(container)
    if turn != 1:
        picture = Image.fromarray(np.ascontiguousarray(upright(np.asarray(picture), turn)))
    write_whole(picture, target, kind)
    return target


def _picture(source: ByteSource, container: Container, size: int) -> Image:
    """The first page in 8-bit grey or RGB, as stored, at least twice the thumbnail's size."""
    from PIL import Image  # noqa: PLC0415 - Pillow only when pixels are looked at

    if container.format == "jpeg":
        with pillow_image(source, container) as image:
            image.draft(None, (size * DRAFT_FACTOR, size * DRAFT_FACTOR))
            return image.convert("L" if container.pages[0].channels == GREY else "RGB")
    pixels = decode(source, container)
    if pixels.ndim == 3:  # noqa: PLR2004 - alpha and further channels are not shown
        pixels = pixels[:, :, :RGB] if pixels.shape[2] >= RGB else pixels[:, :, 0]
    if pixels.dtype != np.uint8:
        # Floats of a huge picture would take gigabytes; every n-th pixel is plenty for its preview.
        step = max(1, min(pixels.shape[:2]) // (size * OVERSAMPLING))
        pixels = windowed(pixels[::step, ::step])
    return Image.fromarray(np.ascontiguousarray(pixels))


def windowed(pixels: Pixels) -> Pixels:
    """Map the 0.5th to 99.5th percentile to 0 to 255; non-finite values are black."""
    step = max(1, int((pixels.shape[0] * pixels.shape[1] / SAMPLE_PIXELS) ** 0.5))
    sample = pixels[::step, ::step]
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        return np.zeros(pixels.shape, np.uint8)
    low, high = np.percentile(sample.astype(np.float64), WINDOW_PERCENTILES)
    scale = 255 / (high - low) if high > low else 0.0
    finite = np.where(np.isfinite(pixels), pixels, low).astype(np.float32)
    clipped = np.clip(finite, low, high) - np.float32(low)
    grey: Pixels = np.rint(clipped * np.float32(scale)).astype(np.uint8)
    return grey


def write_whole(picture: Image, target: Path, kind: str) -> None:
    """Write beside the target, make it durable, then rename over it.

    Raises:
        StoreError: It cannot be written.
    """
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            picture.save(file, kind, **({"quality": QUALITY} if kind == "JPEG" else {}))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
        directory = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise StoreError(
            f"{target}: the picture cannot be written: {error.strerror or error}. Check that its "
            "directory exists, is writable and has space."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
