"""One export: files first, then the event and the row that tell of it, then the folder in place."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from mlmcsc.adapters.dataset_formats import Dataset, ExportFolder, Sample, Writer, exporting_folder
from mlmcsc.adapters.versions import VersionFolder
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.progress import Tally
from mlmcsc.domain.records import DataVersionRecord
from mlmcsc.domain.versions.exports import (
    LISTED,
    DatasetExportRecord,
    DatasetExportReport,
    MissingImage,
)
from mlmcsc.domain.versions.layers import read_layers
from mlmcsc.errors import ImageFileError, IntegrityError, ValidationError
from mlmcsc.services.dataset_exports.choices import Choices
from mlmcsc.services.dataset_exports.samples import MISSING, Samples
from mlmcsc.store import schema
from mlmcsc.store.queries import dataset_exports as queries
from mlmcsc.store.queries import holds
from mlmcsc.store.queries import versions as version_queries
from mlmcsc.store.uow import Store

SHOWN: Final = 10
"""Missing files that a message names."""
EVERY: Final = 100
"""Images between two signs of progress."""


@dataclass
class _Told:
    """What is counted while images are written."""

    splits: Counter[str] = field(default_factory=Counter)
    technicians: set[int] = field(default_factory=set)
    n_boxes: int = 0
    without_boxes: int = 0
    unverified: int = 0
    n_missing: int = 0
    missing: list[MissingImage] = field(default_factory=list)


@dataclass
class Export:
    """The checked arguments of one export; see `DatasetExports.export`."""

    db: Store
    actor: Actor
    folder: VersionFolder
    choices: Choices
    progress: Tally | None
    told: _Told = field(default_factory=_Told)

    def run(self) -> DatasetExportReport:
        """Write the files; commit; put the folder in place."""
        began = time.perf_counter()
        with self.db.read() as view:
            version = version_queries.frozen(view, self.choices.version)
            restricted = frozenset(holds.restricted_technicians(view).tolist())
            known = queries.digests(view)
            low, high = schema.read_setting(view.conn, "label_range")
        samples = Samples(
            self.db, self.folder, read_layers(version.layers), self.choices, restricted
        )
        dataset = self._dataset(version, (float(low), float(high)))
        replaced = known if self.choices.overwrite else None
        with exporting_folder(self.choices.target, replaced) as draft:
            with ExportFolder(draft.path, self.choices.images) as into:
                self._write(into, dataset, samples, version)
                self._refuse_nothing(samples)
                sha256 = into.write_sums()
            draft.check_target()
            record = self._commit(version, samples, into.n_bytes, sha256)
        return DatasetExportReport(
            export=record,
            splits=dict(self.told.splits),
            left_out=dict(samples.left_out),
            n_boxes=self.told.n_boxes,
            without_boxes=self.told.without_boxes,
            unverified=self.told.unverified,
            missing=tuple(self.told.missing),
            seconds=time.perf_counter() - began,
        )

    def _dataset(self, version: DataVersionRecord, label_range: tuple[float, float]) -> Dataset:
        return Dataset(
            version=version.version,
            name=version.name,
            description=version.description,
            root=str(version.root),
            created_at=version.created_at,
            label_range=label_range,
            with_people=self.choices.people,
            shard_bytes=self.choices.shard_bytes,
        )

    def _write(
        self, into: ExportFolder, dataset: Dataset, samples: Samples, version: DataVersionRecord
    ) -> None:
        total = int(version.total_images or 0)
        with self.choices.format.writer(into, dataset) as writer:
            try:
                for number, sample in enumerate(samples):
                    self._add(writer, sample, samples)
                    if self.progress is not None and number % EVERY == 0:
                        self.progress(samples.n_read, total)
            except IntegrityError:
                with self.db.read() as view:  # a redaction takes away the files that it replaces
                    queries.refuse_overtaken(view, version, samples.restricted)
                raise
            if self.told.n_missing and not self.choices.skip_missing:
                raise self._missing()
            writer.finish()
        if self.progress is not None:
            self.progress(samples.n_read, total)

    def _add(self, writer: Writer, sample: Sample, samples: Samples) -> None:
        told = self.told
        try:
            writer.add(sample)
        except ImageFileError as error:
            told.n_missing += 1
            samples.left_out[MISSING] += 1
            if len(told.missing) < LISTED:
                told.missing.append(MissingImage(sample.image_id, sample.sources[0], str(error)))
            return
        told.splits[sample.split] += 1
        told.technicians |= samples.technicians
        if self.choices.format.boxes:
            told.n_boxes += len(sample.boxes or ())
            told.without_boxes += not sample.boxes
        copied = self.choices.images in {"copy", "hardlink"}
        told.unverified += copied and sample.content_hash is None

    def _missing(self) -> ImageFileError:
        shown = [f"image {each.image_id}: {each.why}" for each in self.told.missing[:SHOWN]]
        more = self.told.n_missing - len(shown)
        are = "file is" if self.told.n_missing == 1 else "files are"
        shown += [f"and {more:,} more"] if more else []
        return ImageFileError(
            f"{self.told.n_missing:,} image {are} not what was frozen; nothing was exported. "
            f"{'; '.join(shown)}. Bring them back (see `database validate`), or leave them out "
            "with missing='skip'."
        )

    def _refuse_nothing(self, samples: Samples) -> None:
        if not self.told.splits:
            why = ", ".join(f"{count:,} {reason}" for reason, count in samples.left_out.items())
            raise ValidationError(
                f"Nothing of version {self.choices.version!r} is left to export ({why or 'empty'})."
                " Choose other splits, boxes or another format."
            )

    def _commit(
        self, version: DataVersionRecord, samples: Samples, n_bytes: int, sha256: str
    ) -> DatasetExportRecord:
        """Tell of the export, unless what it read may no longer be given away."""
        choices = self.choices
        values = {
            "format": choices.name,
            "path": str(choices.target),
            "recipient": choices.recipient,
            "n_rows": sum(self.told.splits.values()),
            "n_bytes": n_bytes,
            "sha256": sha256,
            "with_people": choices.people,
            "technicians": sorted(self.told.technicians),
        }
        told = {
            "images": choices.images,
            "splits": list(choices.splits),
            "left_out": dict(samples.left_out),
        }
        with self.db.write(self.actor) as tx:
            queries.refuse_overtaken(tx, version, samples.restricted)
            return queries.add(tx, version, values, told)
