"""Datasets of other programs: their images, and what one technician measured on them."""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from mlmcsc.adapters.dataset_readers import guess_format, read_dataset
from mlmcsc.adapters.tabular import RejectedRows
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.fields import RowSpec
from mlmcsc.domain.foreign_datasets import DatasetImportReport, ForeignFormat
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.progress import Tally
from mlmcsc.domain.results import Rejection
from mlmcsc.errors import PermissionDeniedError, ValidationError
from mlmcsc.services.dataset_imports.bringing import Brought, bring
from mlmcsc.services.dataset_imports.doors import Doors
from mlmcsc.services.dataset_imports.planning import Planned, plan, splits_of
from mlmcsc.store.joined import JoinedStore
from mlmcsc.store.queries import dataset_imports as queries
from mlmcsc.store.uow import Store

MOST_REJECTIONS = 1000
Row = tuple[int, Planned]
"""Image id, and the label to be stored."""


@dataclass(frozen=True, slots=True)
class DatasetImports:
    """Bring datasets in, in one actor's name."""

    db: Store
    actor: Actor
    spec: RowSpec
    doors: Callable[[Store], Doors]

    @requires(Permission.LABEL)
    def import_dataset(
        self,
        folder: str | os.PathLike[str],
        format: ForeignFormat | None = None,  # noqa: A002  # the documented keyword
        *,
        technician: int | str,
        label_column: str = "label",
        scale: float = 1.0,
        rejected_to: str | os.PathLike[str] | None = None,
        dry_run: bool = False,
        progress: Tally | None = None,
    ) -> DatasetImportReport:
        """Store the images of a dataset, and a label of one technician for each.

        Everything that the dataset says is checked before anything is written. Then images are
        ingested as always (content stored before is recognised; images in tars become managed
        copies), and the labels follow in one transaction, boxes in their `annotation_data`.
        Importing a dataset again stores nothing twice: a label with the same image, technician,
        value and boxes is there already.

        The dataset's own splits are told, and kept in `annotation_data` under `source_split`, so
        that published results can be compared. Ours do not follow them: they keep the images of
        one specimen together, which others seldom do.

        Args:
            folder: The dataset; of COCO also its JSON file, of WebDataset also one tar.
            format: `coco`, `yolo`, `huggingface` or `webdataset`; of our own exports also
                `parquet`, `csv` or `jsonl`. Left out, the files tell.
            technician: Whose labels these are, by id or staff number.
            label_column: The column, attribute or JSON key that holds the measured value.
            scale: What it is multiplied by: 0.01 turns per cent into shares.
            rejected_to: Where refused images go, as CSV with reasons; by default
                `<folder>.rejected.csv`, beside the folder. Written only if there are any.
            dry_run: Check everything, write nothing but that file.
            progress: Called with images done and images in all.

        Raises:
            ValidationError: It is no such dataset, is damaged or hostile, or has no such column.
            UnknownRecordError: There is no such technician.
            ConflictError: The technician may not label.
        """
        began = time.perf_counter()
        if not isinstance(folder, str | os.PathLike):
            raise ValidationError(f"folder={folder!r}: is no path. Name the dataset's folder.")
        source = Path(os.path.abspath(folder))
        _check_scale(scale)
        who = self._who(technician)
        kind = format or guess_format(source)
        found = read_dataset(source, kind)
        planned, rejected = plan(self.spec, found, label_column, scale)
        brought, new, known = Brought(), planned, 0
        if not dry_run:
            brought = bring(self.doors(self.db), planned, self._forget, progress)
            rejected += brought.rejected
            told = {"path": str(source), "format": kind, "rejected": len(rejected)}
            new = self._store(who, planned, brought, told)
            known = len(brought.ids) - len(new)
        target = Path(rejected_to) if rejected_to else Path(f"{source}.rejected.csv")
        return DatasetImportReport(
            format=kind,
            path=str(source),
            read=len(found.rows) + len(found.problems),
            stored=len(new),
            unchanged=known,
            images_stored=brought.stored,
            boxes=sum(len(each.row.boxes or ()) for each in new),
            splits=splits_of(found.rows),
            rejected=tuple(rejected[:MOST_REJECTIONS]),
            rejected_count=len(rejected),
            rejected_file=_published(target, rejected),
            notes=tuple(found.notes),
            dry_run=dry_run,
            seconds=time.perf_counter() - began,
        )

    def _who(self, technician: int | str) -> int:
        """The id of a technician who may label, where the actor may bring images in."""
        if Permission.INGEST not in self.actor.permissions:
            raise PermissionDeniedError(
                f"{self.actor.subject!r} may not bring images in: a dataset needs the permission "
                f"{Permission.INGEST.value!r}. Ask an administrator for a role that has it."
            )
        who = self.doors(self.db).technician(technician).id
        with self.db.read() as view:
            queries.refuse_barred(view, who)
        return who

    def _forget(self, paths: list[str]) -> None:
        with self.db.write(self.actor) as tx:
            queries.forget_paths(tx, paths)

    def _new(self, technician: int, rows: Sequence[Row]) -> list[Row]:
        """The rows whose label the technician has not given yet, each once."""
        with self.db.read() as view:
            given = queries.given_by(view, technician, {image for image, _ in rows})
        known = {_key(*each) for each in given}
        new = []
        for image, each in rows:
            key = _key(image, each.value, each.annotation)
            if key not in known:
                known.add(key)
                new.append((image, each))
        return new

    def _store(
        self, technician: int, planned: Sequence[Planned], brought: Brought, told: dict[str, Any]
    ) -> list[Planned]:
        """All new labels in one transaction, with an event of where they come from."""
        rows = self._new(technician, [(brought.ids[at], planned[at]) for at in sorted(brought.ids)])
        if rows:
            self._write(technician, rows, told)
        return [each for _, each in rows]

    def _write(self, technician: int, rows: list[Row], told: dict[str, Any]) -> None:
        columns = {
            "image_id": [image for image, _ in rows],
            "label": [each.value for _, each in rows],
            "annotation_data": [each.annotation for _, each in rows],
        }
        digest = hashlib.sha256()
        for image, each in rows:
            digest.update(_key(image, each.value, each.annotation) + b"\n")
        with self.db.write(self.actor) as tx:
            doors = self.doors(JoinedStore(tx))
            doors.add_labels(columns, technician_id=technician)
            tx.record(
                AuditEvent(
                    Operation.IMPORT,
                    "labels",
                    new_values=told,
                    n_rows=len(rows),
                    digest=digest.hexdigest(),
                )
            )


def _check_scale(scale: object) -> None:
    number = isinstance(scale, int | float) and not isinstance(scale, bool)
    if not number or not math.isfinite(float(str(scale))) or scale == 0:
        raise ValidationError(f"scale={scale!r}: must be a finite number other than 0, e.g. 0.01.")


def _key(image: int, value: float, annotation: Any) -> bytes:
    return orjson.dumps([image, value, annotation], option=orjson.OPT_SORT_KEYS)


def _published(target: Path, rejected: Sequence[Rejection]) -> str | None:
    if not rejected:
        return None
    with RejectedRows() as rows:
        for line, each in enumerate(rejected, 1):
            rows.add(line, each.reason, {"image": each.where})
        rows.publish(target)
    return str(target)
