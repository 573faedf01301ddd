"""One checkout: rows proven, images copied and hashed, tables, event, then the folder."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from mlmcsc.adapters.frozen_files import (
    CheckoutDraft,
    Placing,
    checking_out,
    image_name,
    place_file,
    sha256_of,
)
from mlmcsc.adapters.tabular import file_sha256, write_table
from mlmcsc.adapters.versions import VersionFolder, root_of
from mlmcsc.adapters.versions.folder import manifest_bytes
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.fields import Kind
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.progress import Progress
from mlmcsc.domain.records import DataVersionRecord
from mlmcsc.domain.splits import Split
from mlmcsc.domain.versions.checks import FROM_BACKUP, Checkout, Missing
from mlmcsc.domain.versions.layers import Layer, read_layers
from mlmcsc.domain.versions.manifest import Manifest, trusted
from mlmcsc.domain.versions.rows import State
from mlmcsc.errors import IntegrityError
from mlmcsc.services.version_checks.image_files import TASK, Frozen, with_places, workers_of
from mlmcsc.store.queries import holds as hold_queries
from mlmcsc.store.queries import version_checks as queries
from mlmcsc.store.queries import versions as version_queries
from mlmcsc.store.queries.version_checks import KnownPlace
from mlmcsc.store.uow import Store

PAGE = 8192
"""Rows held as Python values."""
COLUMNS = {
    "image_id": Kind.INTEGER,
    "file": Kind.TEXT,
    "label": Kind.REAL,
    "split": Kind.TEXT,
    "specimen_id": Kind.TEXT,
    "content_hash": Kind.TEXT,
    "path": Kind.TEXT,
    "width": Kind.INTEGER,
    "height": Kind.INTEGER,
    "annotation": Kind.TEXT,
    "detection": Kind.TEXT,
    "redacted": Kind.FLAG,
}
MISSING = {
    "image_id": Kind.INTEGER,
    "path": Kind.TEXT,
    "content_hash": Kind.TEXT,
    "why": Kind.TEXT,
}
OWN_FAULTS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EXDEV, errno.EMLINK, errno.EPERM}
"""Errors that every other image would meet too: the disk, or links that cannot be made."""
STORED = ("content_hash", "path", "specimen_id", "width", "height", "label", "split")
TEXTS = ("annotation", "detection")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """An image and its place in the folder."""

    image: Frozen
    places: Sequence[KnownPlace]
    split: str


@dataclass(frozen=True, slots=True)
class _Placed:
    """What became of it."""

    image: Frozen
    n_bytes: int = 0
    kept: bool = False
    why: str | None = None


@dataclass
class CheckingOut:
    """One checkout in progress; see `VersionChecks.checkout`."""

    db: Store
    actor: Actor
    folder: VersionFolder
    target: Path
    images: str
    splits: tuple[Split, ...]
    workers: int | None
    tell: Progress
    missing: list[Missing] = field(default_factory=list)
    n_images: int = 0
    n_kept: int = 0
    n_bytes: int = 0
    n_rows: int = 0
    n_redacted: int = 0
    n_restricted: int = 0
    restricted: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    def run(self, version: str, *, overwrite: bool) -> Checkout:
        """Make it."""
        began = time.perf_counter()
        with self.db.read() as view:
            record = version_queries.frozen(view, version)
            key, verify = view.vault.public_key(view), view.vault.crypto.verify
            self.restricted = hold_queries.restricted_technicians(view)
        manifest = trusted(record.manifest, key, verify)
        layers = read_layers(record.layers)
        with checking_out(self.target, overwrite=overwrite) as draft:
            self._prove(record, manifest, layers)
            total = self._survey(layers)
            if self.images != "none":
                self._images(draft, layers, total)
            digest = self._tables(draft, record, layers)
            self._mark(draft, manifest)
            self._record(record, digest)
        return Checkout(
            version=record.version,
            path=str(self.target),
            rows=self.n_rows,
            redacted=self.n_redacted,
            restricted=self.n_restricted,
            images=self.n_images,
            kept=self.n_kept,
            bytes=self.n_bytes,
            missing=tuple(self.missing),
            seconds=time.perf_counter() - began,
        )

    def _prove(
        self, record: DataVersionRecord, manifest: Manifest, layers: Sequence[Layer]
    ) -> None:
        """Refuse rows that are not those of the manifest."""
        root, *_ = root_of(self.folder.rows(layers))
        if manifest.version != record.version or root != manifest.root:
            raise IntegrityError(
                f"The rows of version {record.version!r} are not those that its manifest "
                f"promises; see `version verify`. {FROM_BACKUP}"
            )

    def _rows(self, layers: Sequence[Layer], *columns: str) -> Iterator[Any]:
        """The rows that go into the folder, in batches of at most `PAGE`."""
        import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions

        people = set(self.restricted.tolist())
        for batch in self.folder.rows(layers, ("split", "technician_ids", *columns)):
            split = batch.column("split").to_numpy(zero_copy_only=False)
            wanted = batch.filter(pa.array(np.isin(split, [int(each) for each in self.splits])))
            if people:
                lists = wanted.column("technician_ids").to_pylist()
                wanted = wanted.filter(
                    pa.array([people.isdisjoint(each or ()) for each in lists], pa.bool_())
                )
            for at in range(0, wanted.num_rows, PAGE):
                yield wanted.slice(at, PAGE)

    def _survey(self, layers: Sequence[Layer]) -> int:
        """Count the rows, and those left out; bytes of their images, as they were stored."""
        n_all = 0
        for batch in self.folder.rows(layers, ("split",)):
            split = batch.column("split").to_numpy(zero_copy_only=False)
            n_all += int(np.isin(split, [int(each) for each in self.splits]).sum())
        ids = [batch.column("image_id").to_numpy() for batch in self._rows(layers)]
        self.n_rows = sum(map(len, ids))
        self.n_restricted = n_all - self.n_rows
        with self.db.read() as view:
            return queries.total_bytes(view, np.concatenate(ids)) if ids else 0

    def _images(self, draft: CheckoutDraft, layers: Sequence[Layer], total: int) -> None:
        for split in self.splits:
            (draft.path / "images" / split.name.lower()).mkdir(parents=True)
        done = 0
        with ThreadPoolExecutor(workers_of(self.workers)) as pool:
            for wanted in self._wanted(layers):
                tasks = [wanted[at : at + TASK] for at in range(0, len(wanted), TASK)]
                for placed in pool.map(lambda task: self._place_all(draft, task), tasks):
                    for each in placed:
                        self._note(each)
                        done += each.n_bytes
                    self.tell("bytes of images", done, max(total, done))

    def _wanted(self, layers: Sequence[Layer]) -> Iterator[list[_Wanted]]:
        for batch in self._rows(layers, "path", "content_hash"):
            names = ("image_id", "path", "content_hash", "split")
            columns = (batch.column(name).to_pylist() for name in names)
            rows = list(zip(*columns, strict=True))
            images = [Frozen(i, path or "", sha and sha.hex()) for i, path, sha, _ in rows]
            yield [
                _Wanted(image, places, Split(row[3]).name.lower())
                for row, (image, places) in zip(rows, with_places(self.db, images), strict=True)
            ]

    def _place_all(self, draft: CheckoutDraft, wanted: Sequence[_Wanted]) -> list[_Placed]:
        return [self._place(draft, each) for each in wanted]

    def _place(self, draft: CheckoutDraft, wanted: _Wanted) -> _Placed:
        """Put an image in its place, from the first path that has its content."""
        image = wanted.image
        if image.sha256 is None:
            return _Placed(image, why="its content was never hashed, so none can be proven")
        name = image_name(image.image_id, image.path)
        target = draft.path / "images" / wanted.split / name
        kept = self._kept(draft, name, image.sha256, target)
        if kept is not None:
            return _Placed(image, kept, kept=True)
        why = "no path of it is known"
        for at, place in enumerate(wanted.places):
            try:
                size = place_file(place.path, target, image.sha256, cast("Placing", self.images))
            except (OSError, ValueError) as error:
                self._refuse_own_fault(error, draft)
                found = getattr(error, "strerror", None) or str(error)
            else:
                if size is not None:
                    return _Placed(image, size)
                found = "has other content now"
            if at == 0:
                why = f"{place.path}: {found}"
        return _Placed(image, why=why)

    def _refuse_own_fault(self, error: Exception, draft: CheckoutDraft) -> None:
        """A full disk, or links across file systems, are no image's fault: the checkout ends."""
        if isinstance(error, OSError) and error.errno in OWN_FAULTS:
            error.filename = str(draft.target)
            raise error

    def _kept(self, draft: CheckoutDraft, name: str, sha256: str, target: Path) -> int | None:
        """Take over the copy of an earlier checkout; its size, or None where there is none."""
        earlier = draft.earlier.get(name)
        if earlier is None or self.images != "copy":
            return None
        status = earlier.lstat()
        if not os.path.isfile(earlier) or earlier.is_symlink() or status.st_nlink != 1:
            return None  # a link to an original is no copy
        if sha256_of(str(earlier))[0] != sha256:
            return None
        os.link(earlier, target)
        return status.st_size

    def _note(self, placed: _Placed) -> None:
        image = placed.image
        if placed.why is not None:
            self.missing.append(Missing(image.image_id, image.path, image.sha256, placed.why))
            return
        self.n_images += 1
        self.n_kept += placed.kept
        self.n_bytes += placed.n_bytes

    def _tables(
        self, draft: CheckoutDraft, record: DataVersionRecord, layers: Sequence[Layer]
    ) -> str:
        """Labels, manifest and what is missing; the SHA-256 (hex) of the labels."""
        (draft.path / "manifest.json").write_bytes(manifest_bytes(record.manifest))
        labels = draft.path / "labels.parquet"
        write_table(labels, "parquet", "", COLUMNS, self._label_rows(layers))
        write_table(draft.path / "labels.csv", "csv", "", COLUMNS, self._label_rows(layers))
        if self.missing:
            rows = [(m.image_id, m.path, m.content_hash, m.why) for m in self.missing]
            write_table(draft.path / "missing.csv", "csv", "", MISSING, [rows])
        return file_sha256(labels)

    def _label_rows(self, layers: Sequence[Layer]) -> Iterator[list[tuple[Any, ...]]]:
        absent = {each.image_id for each in self.missing}
        names_of = {int(split): split.name.lower() for split in Split}
        hidden, self.n_redacted = int(State.REDACTED), 0
        for batch in self._rows(layers, *STORED, *TEXTS):
            names = ("image_id", *STORED, *TEXTS, "state")
            rows = []
            for row in zip(*(batch.column(name).to_pylist() for name in names), strict=True):
                image_id, sha256, path, specimen, width, height, label, at, *texts, state = row
                split, redacted = names_of[at], state == hidden
                there = self.images != "none" and image_id not in absent
                file = f"images/{split}/{image_name(image_id, path)}" if there else None
                self.n_redacted += redacted
                hashed = sha256 and sha256.hex()
                told = image_id, file, label, split, specimen, hashed, path, width, height
                rows.append((*told, *texts, redacted))
            yield rows

    def _mark(self, draft: CheckoutDraft, manifest: Manifest) -> None:
        draft.mark(
            database_id=manifest.database_id,
            version=manifest.version,
            root=manifest.root,
            images=self.images,
            splits=[split.name.lower() for split in self.splits],
            n_rows=self.n_rows,
            n_images=self.n_images,
        )

    def _record(self, record: DataVersionRecord, digest: str) -> None:
        """The event that names the folder, before the folder is there."""
        told = {
            "version": record.version,
            "folder": str(self.target),
            "format": "checkout",
            "columns": list(COLUMNS),
            "splits": [split.name.lower() for split in self.splits],
            "images": self.images,
            "n_images": self.n_images,
            "n_bytes": self.n_bytes,
            "n_missing": len(self.missing),
            "n_restricted": self.n_restricted,
        }
        with self.db.write(self.actor) as tx:
            tx.record(
                AuditEvent(
                    Operation.EXPORT,
                    "data_versions",
                    record.id,
                    new_values=told,
                    n_rows=self.n_rows,
                    digest=digest,
                )
            )
