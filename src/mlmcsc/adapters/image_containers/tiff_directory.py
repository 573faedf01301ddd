"""Image file directories (TIFF 6.0 section 2; BigTIFF; also the inside of an EXIF block)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from mlmcsc.adapters.image_containers.source import ByteSource
from mlmcsc.errors import ImageFileError

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
SIZES |= {16: 8, 17: 8, 18: 8}
"""Bytes per value of each field type; other types are skipped, as the specification asks."""

INTEGER_CODES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
RATIONAL, SIGNED_RATIONAL = 5, 10
CLASSIC, BIG = 42, 43


@dataclass(frozen=True, slots=True)
class ByteOrder:
    """How numbers and offsets are written in one TIFF structure.

    Attributes:
        mark: `<` or `>`, as `struct` spells it.
        big: Whether offsets take 8 bytes (BigTIFF).
    """

    mark: str
    big: bool


@dataclass(frozen=True, slots=True)
class Directory:
    """The tags of one page (or of one EXIF part). Every value is inside the file.

    Attributes:
        source: The bytes the offsets point into.
        order: Byte order and offset size.
        entries: Tag number to (field type, count, offset of the value).
    """

    source: ByteSource
    order: ByteOrder
    entries: Mapping[int, tuple[int, int, int]]

    def __contains__(self, tag: int) -> bool:
        return tag in self.entries

    def raw(self, tag: int) -> bytes:
        """The value's bytes as stored; empty when the tag is absent."""
        if tag not in self.entries:
            return b""
        kind, count, offset = self.entries[tag]
        return self.source.at(offset, SIZES[kind] * count)

    def text(self, tag: int) -> str | None:
        """The value as text up to its first NUL; UTF-8, else Windows-1252; None when empty."""
        value = decode_text(self.raw(tag).split(b"\x00", 1)[0]).strip()
        return value or None

    def integers(self, tag: int) -> tuple[int, ...]:
        """The value as whole numbers; empty when absent or of another type."""
        kind, count, _ = self.entries.get(tag, (0, 0, 0))
        if kind not in INTEGER_CODES:
            return ()
        return struct.unpack(f"{self.order.mark}{count}{INTEGER_CODES[kind]}", self.raw(tag))

    def integer(self, tag: int, default: int) -> int:
        """The first whole number of the value."""
        values = self.integers(tag)
        return values[0] if values else default

    def ratio(self, tag: int) -> float | None:
        """The first rational of the value; None when absent, of another type, or x/0."""
        kind, count, _ = self.entries.get(tag, (0, 0, 0))
        if kind not in (RATIONAL, SIGNED_RATIONAL) or count < 1:
            return None
        code = "II" if kind == RATIONAL else "ii"
        above, below = struct.unpack(self.order.mark + code, self.raw(tag)[:8])
        return above / below if below else None


def read_header(source: ByteSource) -> tuple[ByteOrder, int]:
    """Byte order and the offset of the first directory.

    Raises:
        ImageFileError: When the header is neither TIFF nor BigTIFF.
    """
    mark = {b"II": "<", b"MM": ">"}.get(source.at(0, 2), "")
    version = struct.unpack(f"{mark}H", source.at(2, 2))[0] if mark else 0
    if version == CLASSIC:
        return ByteOrder(mark, big=False), struct.unpack(f"{mark}I", source.at(4, 4))[0]
    if version == BIG and struct.unpack(f"{mark}HH", source.at(4, 4)) == (8, 0):
        return ByteOrder(mark, big=True), struct.unpack(f"{mark}Q", source.at(8, 8))[0]
    raise source.fault("the TIFF header is wrong")


def read_directory(source: ByteSource, order: ByteOrder, offset: int) -> tuple[Directory, int]:
    """The directory at `offset`, and the offset of the next one (0: none).

    Raises:
        ImageFileError: When the directory or one of its values is not inside the file.
    """
    mark, big = order.mark, order.big
    count_code, entry_code, offset_code = ("Q", "HHQ", "Q") if big else ("H", "HHI", "I")
    count_size, value_size = (8, 8) if big else (2, 4)
    (count,) = struct.unpack(mark + count_code, source.at(offset, count_size))
    start, entry_size = offset + count_size, 4 + 2 * value_size
    block = source.at(start, count * entry_size + value_size)
    entries: dict[int, tuple[int, int, int]] = {}
    entry = struct.Struct(mark + entry_code)
    pointer = struct.Struct(mark + offset_code)
    for at in range(0, count * entry_size, entry_size):
        tag, kind, number = entry.unpack_from(block, at)
        if kind not in SIZES or tag in entries:
            continue
        place = at + entry_size - value_size
        size = SIZES[kind] * number
        value = start + place if size <= value_size else pointer.unpack_from(block, place)[0]
        source.require(value, size)
        entries[tag] = (kind, number, value)
    return Directory(source, order, entries), pointer.unpack_from(block, count * entry_size)[0]


def read_exif_block(
    outer: ByteSource, block: bytes | None
) -> tuple[tuple[Directory, ...], str | None]:
    """The first directory of an EXIF block, or why there is none.

    A damaged EXIF block does not make the picture unreadable, so it is a remark, not an error.
    """
    if block is None:
        return (), None
    inner = ByteSource(f"EXIF block of {outer.path}", block)
    try:
        order, offset = read_header(inner)
        directory, _ = read_directory(inner, order, offset)
    except ImageFileError as error:
        return (), f"EXIF not read: {error}"
    return (directory,), None


def decode_text(raw: bytes) -> str:
    """Text as instruments write it: UTF-8, else Windows-1252 (undefined bytes as Latin-1)."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        # Windows-1252 leaves five bytes undefined; Latin-1 alone would turn its quotes to controls.
        return raw.decode("cp1252", "replace")
