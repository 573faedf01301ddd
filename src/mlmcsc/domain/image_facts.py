"""What an image file says of itself, and when two images show the same thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

JSON: TypeAlias = "str | int | float | bool | list[JSON] | dict[str, JSON] | None"

CANDIDATE_DISTANCE = 3
"""Largest Hamming distance of two coarse hashes that surely share a band key."""

NEAR_DUPLICATE_DISTANCE = 40
"""Largest Hamming distance (of 256 bits) of two fine hashes of the same picture.

Measured on 640 pictures (real micrographs, crops of them, drawn surfaces with and without a common
data bar): saved as JPEG q 60 to 95, halved in size, or 10 % brighter or darker, a picture of at
least 128 pixels stays within 17 of itself, a smaller one within 29. The closest two of 41,000
pairs of different pictures are 66 apart. `tests/adapters/test_near_duplicates.py` keeps watch.
"""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Perceptual hash of the first page as it is meant to be seen (EXIF orientation applied).

    Attributes:
        coarse: 64-bit difference hash (8 x 8) as a signed integer, for SQL BIGINT.
        fine: 256-bit difference hash (16 x 16), 32 bytes.
    """

    coarse: int
    fine: bytes


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Everything read from one image file.

    Attributes:
        path: Absolute path; links are not resolved.
        filename: Last part of the path.
        file_size: Bytes.
        mtime_ns: Modification time, nanoseconds since the epoch.
        content_hash: Hash over the file's bytes, hexadecimal.
        hash_algorithm: `sha256`.
        format: `jpeg`, `png`, `bmp` or `tiff`: what the bytes are, whatever the suffix says.
        width: Pixels of the first page, as stored (EXIF orientation not applied).
        height: Pixels of the first page, as stored.
        channels: Samples per pixel of the first page; a colour palette counts 3, a grey one 1.
        bit_depth: Bits per sample of the first page.
        pages: Number of pages.
        captured_at: Acquisition time, UTC.
        pixel_size_um: Width of one pixel on the specimen, in micrometres.
        magnification: As the instrument states it, dimensionless.
        detector: Name of the detector or signal.
        accelerating_voltage_kv: Kilovolts.
        instrument: Maker and model, or serial name.
        sources: Field name to the tag its value came from; also, for a field that is None
            although its tag is there, the reason.
        acquisition_settings: Further settings, JSON-able, finite, without personal data.
            Contradictory or unreadable metadata is listed under `metadata_problems`.
        fingerprint: None when not asked for, or when the picture has too little structure.
    """

    path: str
    filename: str
    file_size: int
    mtime_ns: int
    content_hash: str
    hash_algorithm: str
    format: str
    width: int
    height: int
    channels: int
    bit_depth: int
    pages: int
    captured_at: datetime | None
    pixel_size_um: float | None
    magnification: float | None
    detector: str | None
    accelerating_voltage_kv: float | None
    instrument: str | None
    sources: Mapping[str, str]
    acquisition_settings: Mapping[str, JSON]
    fingerprint: Fingerprint | None


def hamming(a: bytes, b: bytes) -> int:
    """Number of bits in which two equally long hashes differ.

    Raises:
        ValueError: When the lengths differ.
    """
    if len(a) != len(b):
        raise ValueError(f"cannot compare hashes of {len(a)} and {len(b)} bytes")
    return (int.from_bytes(a) ^ int.from_bytes(b)).bit_count()


def band_keys(coarse: int) -> tuple[int, int, int, int]:
    """Four 16-bit keys; two hashes at most `CANDIDATE_DISTANCE` apart share at least one.

    Key k is made of the bits i with i mod 4 = k, so each key samples the whole picture and an SEM
    data bar (the lowest rows) does not put every image into one bucket. Three differing bits reach
    at most three keys, hence the fourth is equal (pigeonhole).

    Args:
        coarse: 64-bit hash, signed or unsigned.

    Returns:
        Key 0 to key 3, each in 0..65535.
    """
    bits = f"{coarse & 0xFFFF_FFFF_FFFF_FFFF:064b}"
    return int(bits[3::4], 2), int(bits[2::4], 2), int(bits[1::4], 2), int(bits[0::4], 2)


def near_duplicates(a: Fingerprint, b: Fingerprint) -> bool:
    """Whether two fingerprints belong to the same picture."""
    return hamming(a.fine, b.fine) <= NEAR_DUPLICATE_DISTANCE
