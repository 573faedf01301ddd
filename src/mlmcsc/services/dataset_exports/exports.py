"""Frozen datasets given away, and the list of who has them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mlmcsc.adapters.versions import VersionFolder
from mlmcsc.domain.attempts import repeated
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.progress import Tally
from mlmcsc.domain.versions.exports import (
    BoxSource,
    DatasetExportRecord,
    DatasetExportReport,
    ImageMode,
)
from mlmcsc.errors import PermissionDeniedError, UnknownRecordError
from mlmcsc.services.dataset_exports.choices import check
from mlmcsc.services.dataset_exports.exporting import Export
from mlmcsc.store.queries import dataset_exports as queries
from mlmcsc.store.queries import versions as version_queries
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store

SHARD_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class DatasetExports:
    """Export frozen datasets, in one actor's name."""

    db: Store
    actor: Actor
    folder: VersionFolder

    @requires(Permission.TRAIN)
    def export(
        self,
        version: str,
        target: str | os.PathLike[str],
        *,
        format: str,  # noqa: A002  # the word of the command line
        images: ImageMode | None = None,
        splits: Sequence[str] | None = None,
        people: bool = False,
        recipient: str | None = None,
        boxes: BoxSource = "people",
        missing: str = "error",
        shard_bytes: int = SHARD_BYTES,
        overwrite: bool = False,
        progress: Tally | None = None,
    ) -> DatasetExportReport:
        """Write a version to a new folder, in a format that others read.

        Every file is listed with its hash in `SHA256SUMS`. The folder appears whole or not at all,
        after its event is committed. Left out, and counted, are redacted rows and rows of people
        whose data are restricted (GDPR Art. 18).

        Args:
            version: Name or tag.
            target: The folder to make.
            format: `parquet`, `csv`, `jsonl`, `coco`, `yolo`, `huggingface`, `webdataset` or
                `croissant`.
            images: `copy`, `hardlink` (the original under a second name: who changes one changes
                both), `none`, or `path` (their place on this machine is told, which may name
                somebody; nothing is read). None: what suits the format.
            splits: Which of `train`, `val`, `test`; None: all.
            people: Tell who labelled, by random codes that hold in this export only. Needs the
                permission `read_personal` too.
            recipient: To whom it goes.
            boxes: Bounding boxes of `people`, of the `model`, or of `either`, people's first.
            missing: `error`, or `skip` images whose file is missing or changed.
            shard_bytes: WebDataset: about how large a shard may be.
            overwrite: Replace an export that is there and was not touched since.
            progress: Called with the images done and how many there are.

        Raises:
            PermissionDeniedError: The actor may not see who labelled.
            UnknownRecordError: There is no such version.
            UnsupportedError: It was recorded without its images.
            ValidationError: An argument is wrong, nothing is left to export, or the target cannot
                be written.
            ConflictError: The target is there.
            ImageFileError: Files are missing or changed; the message lists them.
            OvertakenError: Rows were redacted, or people restricted, each time it was tried.
        """
        if people and Permission.READ_PERSONAL not in self.actor.permissions:
            raise PermissionDeniedError(
                f"{self.actor.subject!r} may not export who labelled what: people=True needs the "
                f"permission {Permission.READ_PERSONAL.value!r} too. Leave people out."
            )
        choices = check(
            version,
            target,
            format=format,
            images=images,
            splits=splits,
            people=people,
            recipient=recipient,
            boxes=boxes,
            missing=missing,
            shard_bytes=shard_bytes,
            overwrite=overwrite,
        )
        return repeated(lambda: Export(self.db, self.actor, self.folder, choices, progress).run())

    @requires(Permission.READ)
    def list(self, version: str | None = None) -> tuple[DatasetExportRecord, ...]:
        """What was exported, oldest first.

        Args:
            version: Name or tag, or the name of a version that is deleted; None: all. Exports go
                by the version's rows: such as another one of this name had are not its own.

        Raises:
            UnknownRecordError: There is no such version, and never was an export of it.
        """
        with self.db.read() as view:
            found = queries.every(view, None if version is None else _roots(view, version))
            names = self.db.vault.show(view, self.actor, [each.recipient for each in found])
            return tuple(
                replace(each, recipient=name) for each, name in zip(found, names, strict=True)
            )


def _roots(view: View, version: str) -> set[str]:
    """The root of the version that is so called now; else those of the ones that were."""
    try:
        return {str(version_queries.find(view, version).root)}
    except UnknownRecordError:
        found = queries.roots_named(view, version)
        if not found:
            raise
        return found
