"""Documented calls on images and specimens."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal, Unpack

from mlmcsc.bootstrap import Services

if TYPE_CHECKING:
    from mlmcsc.domain import keywords as kw
    from mlmcsc.domain.filters import ImageFilter
    from mlmcsc.domain.records import ImageRecord
    from mlmcsc.domain.results import IngestReport, Page


class ImageCalls(Services):
    """Each one line onto `Images` or `Specimens`."""

    def store_image(
        self, image_path: str | os.PathLike[str], **metadata: Unpack[kw.ImageMetadata]
    ) -> int:
        """Store one image file and return its id; see `Images.add`."""
        return self.images.add(image_path, **metadata).id

    def ingest(
        self,
        source: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
        *,
        recursive: bool = True,
        workers: int | None = None,
        specimen_from: str | None = None,
        storage: Literal["in_place", "managed"] = "in_place",
        on_error: Literal["collect", "raise"] = "collect",
        progress: Callable[[int, int], None] | None = None,
        **metadata: Unpack[kw.ImageMetadata],
    ) -> IngestReport:
        """Store many image files, resumable; see `Images.ingest`."""
        return self.images.ingest(
            source,
            recursive=recursive,
            workers=workers,
            specimen_from=specimen_from,
            storage=storage,
            on_error=on_error,
            progress=progress,
            **metadata,
        )

    def get_images(
        self, *, after_id: int = 0, limit: int = 100, **wanted: Unpack[ImageFilter]
    ) -> Page[ImageRecord]:
        """Images by id, a page at a time; see `Images.list`."""
        return self.images.list(after_id=after_id, limit=limit, **wanted)

    def get_image(self, image_id: int) -> ImageRecord:
        """One image; see `Images.get`."""
        return self.images.get(image_id)

    def update_image(self, image_id: int, **metadata: Unpack[kw.ImageMetadata]) -> ImageRecord:
        """Correct an image's metadata; see `Images.update`."""
        return self.images.update(image_id, **metadata)

    def update_image_quality(
        self, image_id: int, quality_score: float, is_valid: bool | None = None
    ) -> ImageRecord:
        """Record an image's quality; see `Images.update_quality`."""
        return self.images.update_quality(image_id, quality_score, is_valid=is_valid)

    def register_specimen(self, specimen_id: str, **details: Unpack[kw.SpecimenDetails]) -> int:
        """Register a specimen; see `Specimens.register`."""
        return self.specimens.register(specimen_id, **details)
