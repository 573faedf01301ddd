"""Pixels of a version's images: decoded on demand, from the very files that were frozen.

Every file is hashed as it is decoded, and refused when its content is not the frozen one: nobody
trains on another picture unnoticed. A resized picture may be kept, under the hash of its file; what
is kept needs neither the file nor another look at it.
"""

from __future__ import annotations

import os
import struct
import uuid
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mlmcsc.adapters.frozen_tables.table import ImageFile
from mlmcsc.adapters.image_containers import read_container
from mlmcsc.adapters.image_containers.container import Container
from mlmcsc.adapters.image_containers.source import ByteSource, open_source
from mlmcsc.adapters.images.decoders import decoding, pillow_image
from mlmcsc.adapters.images.pixels import decode
from mlmcsc.adapters.images.preview import upright
from mlmcsc.adapters.microscope_metadata.exif import orientation
from mlmcsc.adapters.thumbnails import windowed
from mlmcsc.errors import ImageFileError, ImageMissingError, IntegrityError

Pixels = NDArray[Any]
Mode = Literal["rgb", "grey"]
DRAFT_FACTOR = 2
"""A JPEG is decoded at no less than this many times the wanted size."""
RGB = 3


@dataclass(frozen=True, slots=True)
class Pictures:
    """How images are read.

    Attributes:
        size: Height and width in pixels; None: as stored.
        mode: With `size`: three channels, or one.
        check: `hash` reads every file's SHA-256; `none` believes the path.
        cache: Folder of resized pictures; None: none are kept. Those read with `none` are not.
        max_pixels: Largest allowed width x height, checked before decoding.
    """

    size: tuple[int, int] | None
    mode: Mode
    check: Literal["hash", "none"]
    cache: Path | None
    max_pixels: int

    def read(self, file: ImageFile) -> Pixels:
        """The first page of an image.

        Returns:
            Without a size: as stored, large values bright; uint8 stays uint8, uint16 stays uint16;
            `(H, W)` or `(H, W, C)`; not turned. With one: uint8, `(h, w, 3)` or `(h, w)`, turned
            upright, stretched to that size (bilinear over the whole area of each new pixel);
            pictures of more than 8 bits are windowed first: their own 0.5th percentile becomes
            black, the 99.5th white.

        Raises:
            ImageMissingError: The file is not where it was.
            ImageFileError: It cannot be read whole.
            IntegrityError: It is another picture than the frozen one, or was never hashed.
        """
        kept = self._kept(file)
        found = None if kept is None else self._load(kept)
        if found is not None:
            return found
        try:
            pixels = self._decode(file)
        except ImageFileError as error:
            kind = ImageMissingError if isinstance(error, ImageMissingError) else ImageFileError
            raise kind(f"Image {file.image_id} of the version: {error}") from None
        if kept is not None and self.check == "hash":  # others read it as checked
            _keep(kept, pixels)
        return pixels

    def _decode(self, file: ImageFile) -> Pixels:
        with open_source(os.path.abspath(file.path)) as (source, _):
            if self.check == "hash":
                _same(file, source)
            container = read_container(source, self.max_pixels)
            if self.size is None:
                return decode(source, container)
            return self._resized(source, container, self.size)

    def _resized(self, source: ByteSource, container: Container, size: tuple[int, int]) -> Pixels:
        from PIL import Image  # noqa: PLC0415 - Pillow only when pixels are looked at

        turn = orientation(container)
        height, width = size[::-1] if turn in (5, 6, 7, 8) else size
        mode = "RGB" if self.mode == "rgb" else "L"
        with decoding(source):
            if container.format == "jpeg":
                with pillow_image(source, container) as image:
                    image.draft(None, (width * DRAFT_FACTOR, height * DRAFT_FACTOR))
                    picture = image.convert(mode)
            else:
                picture = Image.fromarray(_eight_bits(decode(source, container))).convert(mode)
            resized = picture.resize((width, height), Image.Resampling.BILINEAR)
        return np.ascontiguousarray(upright(np.asarray(resized), turn))

    def _kept(self, file: ImageFile) -> Path | None:
        """Where the resized picture is kept, if it may be: only content that is known."""
        if self.cache is None or self.size is None or file.content_hash is None:
            return None
        name = file.content_hash.hex()
        kind = f"{self.size[0]}x{self.size[1]}-{self.mode}"
        return self.cache / kind / name[:2] / f"{name}.u8"

    def _load(self, kept: Path) -> Pixels | None:
        """A kept picture; None where there is none, or it is damaged."""
        assert self.size is not None  # noqa: S101 - `_kept` has seen to it
        shape = (*self.size, RGB) if self.mode == "rgb" else self.size
        try:
            raw = kept.read_bytes()
        except OSError:
            return None
        pixels = raw[:-4]
        if len(pixels) != int(np.prod(shape)) or struct.pack("<I", zlib.crc32(pixels)) != raw[-4:]:
            return None
        return np.frombuffer(pixels, np.uint8).reshape(shape).copy()


def _same(file: ImageFile, source: ByteSource) -> None:
    if file.content_hash is None:
        raise IntegrityError(
            f"Image {file.image_id} of the version ({file.path}) was never hashed, so nobody can "
            "say whether it is still the same. Believe its path with check='none'."
        )
    if source.sha256() != file.content_hash.hex():
        raise IntegrityError(
            f"Image {file.image_id} of the version ({file.path}): the file holds another picture "
            "than the one that was frozen. Put the frozen file back (`version verify` lists all "
            "such files)."
        )


def _eight_bits(pixels: Pixels) -> Pixels:
    """Grey or RGB, 8 bits; alpha and further channels are left out."""
    if pixels.ndim == RGB:
        pixels = pixels[:, :, :RGB] if pixels.shape[2] >= RGB else pixels[:, :, 0]
    return np.ascontiguousarray(pixels if pixels.dtype == np.uint8 else windowed(pixels))


def _keep(path: Path, pixels: Pixels) -> None:
    """Keep a resized picture; a full disk costs the cache, not the training."""
    raw = pixels.tobytes()
    draft = path.with_name(f".{uuid.uuid4().hex}")
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.write_bytes(raw + struct.pack("<I", zlib.crc32(raw)))
        draft.replace(path)
