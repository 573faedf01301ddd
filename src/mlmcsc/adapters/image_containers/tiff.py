"""TIFF structure: the chain of pages, and whether all their pixels are there."""

from __future__ import annotations

import re

from mlmcsc.adapters.image_containers.container import Container, Layout
from mlmcsc.adapters.image_containers.source import ByteSource
from mlmcsc.adapters.image_containers.tiff_directory import (
    Directory,
    read_directory,
    read_header,
)

SIGNATURES = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, DESCRIPTION = 256, 257, 258, 259, 262, 270
STRIP_OFFSETS, SAMPLES, ROWS_PER_STRIP, STRIP_BYTES = 273, 277, 278, 279
PLANAR, COLOUR_MAP, SAMPLE_FORMAT, DEPTH = 284, 320, 339, 32997
FILL_ORDER, PREDICTOR = 266, 317
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES = 322, 323, 324, 325

NO_COMPRESSION, OLD_JPEG = 1, 6
BLACK_IS_ZERO, RGB, PALETTE, YCBCR = 1, 2, 3, 6
UNSIGNED, SIGNED, FLOAT = 1, 2, 3
SEPARATE = 2
MAX_BITS = 64
WHOLE = (8, 16)
RAMP_SHARE = 0.75
"""A palette counts as grey when this share of its entries is a grey ramp. Zeiss files keep a ramp
and lend every ninth entry to the colours of annotations; their pixels are grey values."""


def read(source: ByteSource) -> Container:
    """Walk every page and check that its strips or tiles are inside the file.

    Raises:
        ImageFileError: When a page is cut off, damaged, or coded in a way that is not supported.
    """
    order, offset = read_header(source)
    directories: list[Directory] = []
    layouts: list[Layout] = []
    seen: set[int] = set()
    while offset:
        if offset in seen:
            raise source.fault(f"the TIFF is damaged: its pages form a loop at byte {offset}")
        seen.add(offset)
        directory, offset = read_directory(source, order, offset)
        layout = _layout(directory)
        check_segments(directory, layout)
        directories.append(directory)
        layouts.append(layout)
    if not layouts:
        raise source.fault("the TIFF holds no page")
    if len(layouts) == 1:
        layouts *= _imagej_slices(directories[0], layouts[0])
    return Container("tiff", tuple(layouts), tuple(directories))


def _layout(directory: Directory) -> Layout:
    """Shape of a page; refuses what no decoder here reads faithfully."""
    source = directory.source
    width, height = directory.integer(WIDTH, 0), directory.integer(HEIGHT, 0)
    channels = directory.integer(SAMPLES, 1)
    bits = directory.integers(BITS) or (1,)
    compression = directory.integer(COMPRESSION, NO_COMPRESSION)
    formats = set(directory.integers(SAMPLE_FORMAT)) or {UNSIGNED}
    if width <= 0 or height <= 0 or channels <= 0 or not 1 <= bits[0] <= MAX_BITS:
        raise source.fault(
            f"the TIFF is damaged: a page of {width} x {height} pixels, {channels} channels, "
            f"{bits[0]} bits"
        )
    if len(set(bits)) > 1 or len(formats) > 1 or not formats <= {UNSIGNED, SIGNED, FLOAT}:
        raise source.fault(
            f"unsupported TIFF samples: bits {bits}, sample format {sorted(formats)}",
            "Convert it to 8 or 16-bit TIFF",
        )
    photometric = directory.integer(PHOTOMETRIC, 1)
    plain_ycbcr = photometric == YCBCR and compression == NO_COMPRESSION
    if compression == OLD_JPEG or directory.integer(DEPTH, 1) != 1 or plain_ycbcr:
        raise source.fault(
            "unsupported TIFF: old-style JPEG, uncompressed YCbCr, or a volume in one page",
            "Convert it to plain grey or RGB TIFF",
        )
    if photometric == PALETTE:
        return Layout(width, height, 1 if is_grey_ramp(directory) else 3, bits[0], compression)
    return Layout(width, height, channels, bits[0], compression)


def is_grey_ramp(directory: Directory) -> bool:
    """Whether a palette page's pixels are grey values already (see `RAMP_SHARE`)."""
    colours = directory.integers(COLOUR_MAP)
    count = len(colours) // 3
    if count < 2:  # noqa: PLR2004 - one colour is no ramp
        return False
    top = 65535 / (count - 1)
    ramp = sum(
        all(abs(colours[part * count + index] - index * top) < top for part in range(3))
        for index in range(count)
    )
    return ramp >= RAMP_SHARE * count


def check_segments(directory: Directory, layout: Layout) -> None:
    """Check number, place and size of the strips or tiles of one page.

    Raises:
        ImageFileError: When some are missing, outside the file, or too short.
    """
    source = directory.source
    tiled = TILE_OFFSETS in directory
    offsets = directory.integers(TILE_OFFSETS if tiled else STRIP_OFFSETS)
    counts = directory.integers(TILE_BYTES if tiled else STRIP_BYTES)
    expected = _segment_sizes(directory, layout, tiled=tiled)
    plain = layout.compression == NO_COMPRESSION
    if plain and not counts and len(expected) == 1:
        counts = tuple(expected)  # TIFF 6.0 writers before 1992 left it out
    if len(offsets) != len(expected) or len(counts) != len(expected):
        raise source.fault(
            f"the TIFF is damaged: {len(expected)} strips or tiles belong to the page, "
            f"{len(offsets)} are listed"
        )
    for offset, count, size in zip(offsets, counts, expected, strict=True):
        if not offset or not count or (plain and count < size):
            raise source.fault(
                f"the TIFF is damaged: a strip or tile at byte {offset} holds {count} bytes"
            )
        source.require(offset, size if plain else count)


def whole_samples_at(directory: Directory, layout: Layout) -> int | None:
    """Where the pixels of a page begin that lie in the file just as memory has them.

    That is: uncompressed, unsigned whole bytes or words, rows and samples in order, grey or RGB,
    all strips one behind the other.

    Returns:
        The offset of the first sample; None where a decoder is needed.
    """
    plain = (
        layout.compression == NO_COMPRESSION
        and layout.bit_depth in WHOLE
        and directory.integer(PHOTOMETRIC, PALETTE) in (BLACK_IS_ZERO, RGB)
        and (directory.integer(SAMPLE_FORMAT, UNSIGNED) == UNSIGNED)
        and (layout.channels == 1 or directory.integer(PLANAR, 1) != SEPARATE)
        and directory.integer(FILL_ORDER, 1) == directory.integer(PREDICTOR, 1) == 1
        and TILE_OFFSETS not in directory
    )
    offsets = directory.integers(STRIP_OFFSETS) if plain else ()
    if not offsets:
        return None
    sizes = _segment_sizes(directory, layout, tiled=False)
    counts = directory.integers(STRIP_BYTES) or tuple(sizes)
    ends = [offset + size for offset, size in zip(offsets, sizes, strict=True)]
    together = list(counts) == sizes and list(offsets[1:]) == ends[:-1]
    return offsets[0] if together else None


def _segment_sizes(directory: Directory, layout: Layout, *, tiled: bool) -> list[int]:
    """Uncompressed bytes of every strip or tile, in file order."""
    samples = directory.integer(SAMPLES, 1)
    separate = directory.integer(PLANAR, 1) == SEPARATE and samples > 1
    planes, inside = (samples, 1) if separate else (1, samples)
    if tiled:
        wide, high = directory.integer(TILE_WIDTH, 0), directory.integer(TILE_HEIGHT, 0)
        if wide <= 0 or high <= 0:
            raise directory.source.fault("the TIFF is damaged: tiles without a size")
        number = -(-layout.width // wide) * -(-layout.height // high)
        sizes = _equal(directory, number, high * _row(wide, inside, layout.bit_depth))
    else:
        high = min(directory.integer(ROWS_PER_STRIP, layout.height) or layout.height, layout.height)
        row = _row(layout.width, inside, layout.bit_depth)
        full, rest = divmod(layout.height, high)
        sizes = _equal(directory, full, high * row) + ([rest * row] if rest else [])
    return sizes * planes


def _equal(directory: Directory, number: int, size: int) -> list[int]:
    """`number` equal sizes, after checking that so many segments can be in the file at all."""
    if number > directory.source.size:
        raise directory.source.fault(f"the TIFF is damaged: {number} strips or tiles in one page")
    return [size] * number


def _row(width: int, samples: int, bits: int) -> int:
    """Bytes of one row, padded to whole bytes."""
    return (width * samples * bits + 7) // 8


def _imagej_slices(directory: Directory, layout: Layout) -> int:
    """Number of pages of an ImageJ stack that has one directory for all (files above 4 GB).

    ImageJ writes the slices one behind the other and says `images=N` in the description.
    """
    description = directory.text(DESCRIPTION) or ""
    images = re.search(r"^images=(\d{1,9})$", description, re.MULTILINE)
    plain = layout.compression == NO_COMPRESSION and STRIP_OFFSETS in directory
    if not (plain and images and description.startswith("ImageJ=")):
        return 1
    count = max(1, int(images[1]))
    size = layout.height * _row(layout.width, layout.channels, layout.bit_depth)
    directory.source.require(directory.integer(STRIP_OFFSETS, 0), count * size)
    return count
