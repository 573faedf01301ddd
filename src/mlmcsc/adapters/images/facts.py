"""Everything an image file says of itself, in one read."""

from __future__ import annotations

import os
from datetime import UTC, tzinfo

from mlmcsc.adapters.fingerprints import fingerprint as hash_picture
from mlmcsc.adapters.image_containers import read_container
from mlmcsc.adapters.image_containers.source import open_source
from mlmcsc.adapters.images.preview import grey_preview
from mlmcsc.adapters.microscope_metadata import read_metadata
from mlmcsc.domain.image_facts import ImageFacts

DEFAULT_MAX_PIXELS = 500_000_000


def read_facts(
    path: str | os.PathLike[str],
    *,
    fingerprint: bool = True,
    instrument_timezone: tzinfo = UTC,
    max_pixels: int = DEFAULT_MAX_PIXELS,
) -> ImageFacts:
    """Read header, metadata and content hash of an image file; check that it is whole.

    Pixels are decoded for the fingerprint only. The format is told by the content; a wrong suffix
    does no harm.

    Args:
        path: A JPEG, PNG, BMP or TIFF file.
        fingerprint: Whether to compute the perceptual hash, for near-duplicates.
        instrument_timezone: Zone of the instrument's clock, for times written without a zone.
        max_pixels: Largest allowed width x height, checked before anything is decoded.

    Raises:
        ImageMissingError: When there is no such file.
        ImageFileError: When the file is no supported image, is empty, cut off, damaged, larger than
            `max_pixels`, unreadable, or changes while it is being read.
    """
    absolute = os.path.abspath(path)
    with open_source(absolute) as (source, status):
        container = read_container(source, max_pixels)
        metadata = read_metadata(container, instrument_timezone)
        content_hash = source.sha256()
        seen = hash_picture(grey_preview(source, container)) if fingerprint else None
    first = container.pages[0]
    return ImageFacts(
        path=absolute,
        filename=os.path.basename(absolute),
        file_size=source.size,
        mtime_ns=status.st_mtime_ns,
        content_hash=content_hash,
        hash_algorithm="sha256",
        format=container.format,
        width=first.width,
        height=first.height,
        channels=first.channels,
        bit_depth=first.bit_depth,
        pages=len(container.pages),
        captured_at=metadata.captured_at,
        pixel_size_um=metadata.pixel_size_um,
        magnification=metadata.magnification,
        detector=metadata.detector,
        accelerating_voltage_kv=metadata.accelerating_voltage_kv,
        instrument=metadata.instrument,
        sources=metadata.sources,
        acquisition_settings=metadata.settings,
        fingerprint=seen,
    )


def supported_suffixes() -> frozenset[str]:
    """Lower-case suffixes, with dot, worth trying in a folder. The content decides in the end."""
    return frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".btf"})
