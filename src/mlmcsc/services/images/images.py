"""Images, one at a time, and everything that is asked of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Unpack

from mlmcsc.config.image_settings import ImageSettings
from mlmcsc.config.logs import logger
from mlmcsc.domain.enums import Operation, Storage
from mlmcsc.domain.filters import ImageFilter, check_listing
from mlmcsc.domain.image_rows import check_change, check_metadata, check_path
from mlmcsc.domain.keywords import ImageMetadata
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.records import ImageRecord
from mlmcsc.domain.results import IngestReport, Page, StoredImage
from mlmcsc.domain.tables import IMAGES
from mlmcsc.errors import ConflictError, ImageMissingError, UnknownRecordError, ValidationError
from mlmcsc.store.models import images
from mlmcsc.store.queries import images as image_queries
from mlmcsc.store.queries import near_duplicates, registers, rows
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store


@dataclass(frozen=True, slots=True)
class Images:
    """Store, find, describe and show images, in one actor's name."""

    db: Store
    actor: Actor
    settings: ImageSettings

    @requires(Permission.INGEST)
    def add(
        self,
        image_path: str | os.PathLike[str],
        *,
        storage: Literal["in_place", "managed"] = "in_place",
        **metadata: Unpack[ImageMetadata],
    ) -> StoredImage:
        """Store one image file.

        The file is read once: content hash, size, type, instrument metadata and fingerprint.
        Content that is stored already is recognised, whatever its path: the result then has
        `created=False` and the id of the stored image.

        Args:
            image_path: The file.
            storage: `in_place` leaves it where it is; `managed` copies it into the image store,
                also when its content is stored in place already.
            **metadata: See `mlmcsc.domain.tables.IMAGES`.

        Raises:
            ImageMissingError: There is no such file.
            ImageFileError: It is not an image that can be read whole.
            ValidationError: A metadata value is wrong.
            ConflictError: The path, or the content, is stored already with other facts.
        """
        # Here and below: a listing reads no image, and importing the readers takes 40 ms.
        from mlmcsc.adapters.managed_files import adopt_file  # noqa: PLC0415  as said
        from mlmcsc.services.images.writing import (  # noqa: PLC0415  as said
            Arrival,
            at_path,
            write_arrivals,
        )

        given = check_metadata(IMAGES, metadata)
        arrival = Arrival(self._read(image_path), given)
        if _storage(storage) is Storage.MANAGED:
            arrival = at_path(arrival, str(adopt_file(arrival.facts, self.settings.image_store())))
        with self.db.write(self.actor) as tx:
            (outcome,) = write_arrivals(tx, [arrival], operation=Operation.CREATE)
            if isinstance(outcome, ConflictError):
                raise outcome
        if outcome.duplicate_of is not None:
            logger(__name__).warning(
                "image_known", path=outcome.path, image=outcome.id, as_path=outcome.duplicate_of
            )
        for conflict in outcome.conflicts:
            logger(__name__).warning(
                "image_metadata_conflict", path=outcome.path, conflict=conflict
            )
        return outcome

    def _read(self, image_path: str | os.PathLike[str]) -> Any:
        named = os.fspath(image_path) if isinstance(image_path, os.PathLike) else image_path
        path = os.path.abspath(IMAGES.by_name["image_path"].check(named))
        check_path(path)
        from mlmcsc.adapters.images import read_facts  # noqa: PLC0415  as said

        return read_facts(
            path,
            fingerprint=self.settings.near_duplicates,
            instrument_timezone=self.settings.instrument_timezone,
            max_pixels=self.settings.max_pixels,
        )

    @requires(Permission.INGEST)
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
        **metadata: Unpack[ImageMetadata],
    ) -> IngestReport:
        """Store many image files; run it again to go on where it was interrupted.

        Files that were stored before and have not changed are passed over without being read.

        Args:
            source: A folder, a glob pattern, one file, or paths.
            recursive: Whether sub-folders of a folder are searched.
            workers: Processes that read files; None chooses by the machine and the work.
            specimen_from: Regular expression searched in each path; its group `specimen` (or
                its first group) is the specimen number. Groups named after other image fields,
                e.g. `magnification`, fill those, and `temperature_c`, `heat`, `orientation`,
                `material` describe the specimen.
            storage: `in_place` leaves files where they are; `managed` copies them into the
                content-addressed image store, also where their content is stored in place already.
            on_error: `collect` stores what can be stored and reports the rest; `raise` stops at
                the first file that cannot be stored (earlier batches stay stored).
            progress: Called with files done and files in all.
            **metadata: Image fields with one value for every file.

        Raises:
            ImageMissingError: The folder or file does not exist, or the pattern fits nothing.
            ValidationError: An argument is wrong; nothing is read or written.
        """
        from mlmcsc.services.images.ingest import IngestPlan, run  # noqa: PLC0415  as said

        plan = IngestPlan(
            source=source,
            recursive=recursive,
            workers=workers if workers is not None else self.settings.workers,
            specimen_from=specimen_from,
            storage=_storage(storage),
            on_error=on_error,
            progress=progress,
            metadata=check_metadata(IMAGES, metadata),
        )
        return run(self.db, self.actor, self.settings, plan)

    @requires(Permission.INGEST)
    def update(self, image_id: int, **metadata: Unpack[ImageMetadata]) -> ImageRecord:
        """Correct what is known of an image; the audit trail keeps the earlier values.

        Raises:
            ValidationError: A value is wrong.
            UnknownRecordError: There is no such image.
        """
        values = check_change(metadata)
        with self.db.write(self.actor) as tx:
            registers.lock(tx, images)
            before = _require(tx, image_id)
            if values.get("specimen_id") is not None:
                image_queries.ensure_specimens(tx, [values["specimen_id"]])
            registers.change(tx, images, before, values)
            return _require(tx, image_id)

    @requires(Permission.INGEST)
    def update_quality(
        self, image_id: int, quality_score: float, *, is_valid: bool | None = None
    ) -> ImageRecord:
        """Record an image's quality (0 to 1) and, if given, whether it may be used.

        Raises:
            ValidationError: The score is not a number from 0 to 1.
            UnknownRecordError: There is no such image.
        """
        if quality_score is None:
            raise ValidationError("quality_score is missing: give a number from 0 to 1.")
        if is_valid is None:
            return self.update(image_id, quality_score=quality_score)
        return self.update(image_id, quality_score=quality_score, is_valid=is_valid)

    @requires(Permission.READ)
    def get(self, image_id: int) -> ImageRecord:
        """One image.

        Raises:
            UnknownRecordError: If there is none with this id.
        """
        with self.db.read() as view:
            return _require(view, image_id)

    @requires(Permission.READ)
    def list(
        self, *, after_id: int = 0, limit: int = 100, **wanted: Unpack[ImageFilter]
    ) -> Page[ImageRecord]:
        """Images by id, a page at a time."""
        found = check_listing(ImageFilter, wanted, after_id, limit)
        if "path" in found:
            found["path"] = os.path.abspath(found["path"])
        with self.db.read() as view:
            return image_queries.page(view, found, after_id=after_id, limit=limit)

    @requires(Permission.READ)
    def near_duplicates(self, image_id: int) -> tuple[tuple[int, int], ...]:
        """`(other image, distance)` of images that look like this one, nearest first.

        The distance is the number of differing bits of 256-bit fingerprints.

        Raises:
            UnknownRecordError: If there is no such image.
        """
        with self.db.read() as view:
            _require(view, image_id)
            return tuple(near_duplicates.of(view, image_id))

    @requires(Permission.READ)
    def thumbnail(self, image_id: int, *, size: int | None = None) -> Path:
        """A small picture of an image, made once and cached; 16-bit images are windowed.

        Args:
            image_id: The image.
            size: Longer side in pixels, 16 to 4096.

        Raises:
            UnknownRecordError: There is no such image.
            ImageFileError: Its file is gone, holds another picture by now, or cannot be read.
        """
        size = self.settings.thumbnail_size if size is None else size
        from mlmcsc.adapters.thumbnails import (  # noqa: PLC0415  as said
            MAX_SIZE,
            MIN_SIZE,
            Original,
            write_thumbnail,
        )

        if isinstance(size, bool) or not MIN_SIZE <= size <= MAX_SIZE:
            raise ValidationError(f"size={size!r}: must be from {MIN_SIZE} to {MAX_SIZE} pixels.")
        record = self.get(image_id)
        key = record.content_hash or f"image-{record.id}"
        target = self.settings.thumbnails / key[:2] / f"{key}-{size}.jpg"
        if target.exists():
            return target
        if not Path(record.path).exists():
            raise ImageMissingError(
                f"{record.path} (image {image_id}) is gone. Put it back, or run database validate."
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        original = Original(
            record.file_size,
            record.file_mtime_ns,
            record.content_hash if record.hash_algorithm == "sha256" else None,
        )
        limit = self.settings.max_pixels
        return write_thumbnail(record.path, target, size=size, max_pixels=limit, original=original)


def _require(view: View, image_id: int) -> ImageRecord:
    record = rows.get(view, images, ImageRecord, image_id)
    if record is None:
        raise UnknownRecordError(f"image {image_id} does not exist.")
    return record


def _storage(storage: str) -> Storage:
    try:
        return Storage(storage)
    except ValueError:
        raise ValidationError(
            f"storage={storage!r}: must be one of {', '.join(Storage)}."
        ) from None
