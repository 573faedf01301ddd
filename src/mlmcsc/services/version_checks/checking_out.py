"""One checkout: rows proven, images placed and hashed, tables, its place among the exports."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from mlmcsc.adapters.dataset_formats.checkouts import CheckoutDraft, checking_out
from mlmcsc.adapters.frozen_files import Placing, image_name, place_image, sha256_of
from mlmcsc.adapters.tabular import Format, file_sha256, write_table
from mlmcsc.adapters.versions import VersionFolder, root_of
from mlmcsc.adapters.versions.folder import manifest_bytes
from mlmcsc.domain.fields import Kind
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.progress import Progress
from mlmcsc.domain.records import DataVersionRecord
from mlmcsc.domain.splits import Split
from mlmcsc.domain.versions.checks import FROM_BACKUP, Checkout, Missing
from mlmcsc.domain.versions.layers import Layer, read_layers
from mlmcsc.domain.versions.manifest import Manifest, trusted
from mlmcsc.domain.versions.redaction import CHECKOUT
from mlmcsc.domain.versions.rows import State
from mlmcsc.errors import ImageFileError, IntegrityError
from mlmcsc.services.version_checks.image_files import TASK, Frozen, with_places, workers_of
from mlmcsc.store.queries import dataset_exports
from mlmcsc.store.queries import holds as hold_queries
from mlmcsc.store.queries import version_checks as queries
from mlmcsc.store.queries import versions as version_queries
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store

LABELS: tuple[Format, ...] = ("csv", "parquet")
"""Forms of the table of labels."""
PAGE = 8192
"""Rows held as Python values."""
COLUMNS = {
    "image_id": Kind.INTEGER,
    "file": Kind.TEXT,
    "label": Kind.REAL,
    "split": Kind.TEXT,
    "specimen_id": Kind.TEXT,
    "content_hash": Kind.TEXT,
    "width": Kind.INTEGER,
    "height": Kind.INTEGER,
    "detection": Kind.TEXT,
    "redacted": Kind.FLAG,
}
NAMING = {"path": Kind.TEXT, "annotation": Kind.TEXT}
"""Columns that may name people, given when they are asked for."""
MISSING = {"image_id": Kind.INTEGER, "content_hash": Kind.TEXT}
MISSING_NAMING = {"path": Kind.TEXT, "why": Kind.TEXT}
STORED = ("content_hash", "specimen_id", "width", "height", "label", "split", "detection")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """An image and its place in the folder."""

    image: Frozen
    sources: Sequence[str]
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
    names: bool
    recipient: str | None
    tell: Progress
    missing: list[Missing] = field(default_factory=list)
    n_images: int = 0
    n_kept: int = 0
    n_bytes: int = 0
    n_rows: int = 0
    n_redacted: int = 0
    n_restricted: int = 0
    restricted: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    technicians: set[int] = field(default_factory=set)

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
            try:
                self._write(draft, record, manifest, layers)
            except IntegrityError:
                with self.db.read() as view:  # a redaction takes away the files that it replaces
                    self._refuse_overtaken(view, record)
                raise
            self._record(record, draft)
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

    def _write(
        self,
        draft: CheckoutDraft,
        record: DataVersionRecord,
        manifest: Manifest,
        layers: Sequence[Layer],
    ) -> None:
        self._prove(record, manifest, layers)
        total = self._survey(layers)
        if self.images != "none":
            self._images(draft, layers, total)
        self._tables(draft, record, layers)
        self._mark(draft, manifest)

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
                _Wanted(image, [each.path for each in places], Split(row[3]).name.lower())
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
        if not wanted.sources:
            return _Placed(image, why="no path of it is known")
        how = cast("Placing", self.images)
        try:
            return _Placed(image, place_image(wanted.sources, target, image.sha256, how)[1])
        except ImageFileError as error:
            return _Placed(image, why=str(error))

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
    ) -> None:
        """Labels, manifest and what is missing."""
        (draft.path / "manifest.json").write_bytes(manifest_bytes(record.manifest))
        columns = COLUMNS | (NAMING if self.names else {})
        for kind in LABELS:
            path = draft.path / f"labels.{kind}"
            write_table(path, kind, "", columns, self._label_rows(layers))
        if self.missing:
            columns = MISSING | (MISSING_NAMING if self.names else {})
            rows = [(m.image_id, m.content_hash, m.path, m.why) for m in self.missing]
            cut = [row[: len(columns)] for row in rows]
            write_table(draft.path / "missing.csv", "csv", "", columns, [cut])

    def _label_rows(self, layers: Sequence[Layer]) -> Iterator[list[tuple[Any, ...]]]:
        absent = {each.image_id for each in self.missing}
        names_of = {int(split): split.name.lower() for split in Split}
        hidden, self.n_redacted = int(State.REDACTED), 0
        for batch in self._rows(layers, *STORED, *NAMING):
            names = ("image_id", *STORED, *NAMING, "state", "technician_ids")
            rows = []
            for row in zip(*(batch.column(name).to_pylist() for name in names), strict=True):
                image_id, sha256, specimen, width, height, label, at, detection, *naming = row
                path, annotation, state, people = naming
                split, redacted = names_of[at], state == hidden
                there = self.images != "none" and image_id not in absent
                file = f"images/{split}/{image_name(image_id, path)}" if there else None
                self.n_redacted += redacted
                self.technicians.update(people or ())
                hashed = sha256 and sha256.hex()
                told = image_id, file, label, split, specimen, hashed, width, height, detection
                rows.append((*told, redacted, *((path, annotation) if self.names else ())))
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

    def _record(self, record: DataVersionRecord, draft: CheckoutDraft) -> None:
        """List it among the exports, before the folder is there."""
        labels = {f"labels.{kind}": draft.path / f"labels.{kind}" for kind in LABELS}
        hashes = {name: file_sha256(path) for name, path in labels.items()}
        sums = "".join(f"{each}  {name}\n" for name, each in hashes.items())
        values = {
            "format": CHECKOUT,
            "path": str(self.target),
            "recipient": self.recipient,
            "n_rows": self.n_rows,
            "n_bytes": self.n_bytes + sum(path.stat().st_size for path in labels.values()),
            "sha256": hashlib.sha256(sums.encode()).hexdigest(),
            "with_people": False,
            "technicians": sorted(self.technicians),
        }
        told: dict[str, Any] = {
            "splits": [split.name.lower() for split in self.splits],
            "images": self.images,
            "n_images": self.n_images,
            "n_missing": len(self.missing),
            "n_restricted": self.n_restricted,
        }
        if self.names:  # an erasure looks into them for the person's names
            told["columns"] = [*COLUMNS, *NAMING]
            told["files"] = [
                {"path": str(self.target / name), "sha256": each, "format": name.split(".")[1]}
                for name, each in hashes.items()
            ]
        with self.db.write(self.actor) as tx:
            self._refuse_overtaken(tx, record)
            dataset_exports.add(tx, record, values, told)

    def _refuse_overtaken(self, view: View, record: DataVersionRecord) -> None:
        dataset_exports.refuse_overtaken(view, record, self.restricted.tolist())
