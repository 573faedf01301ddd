"""Everything that a version promised, looked at again."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from mlmcsc.adapters.versions import VersionFolder, leaves
from mlmcsc.domain.audit.merkle import GrowingTree
from mlmcsc.domain.progress import Progress
from mlmcsc.domain.records import DataVersionRecord
from mlmcsc.domain.splits import Split
from mlmcsc.domain.versions.checks import (
    FROM_BACKUP,
    MOST_FINDINGS,
    VersionFinding,
    VersionVerification,
)
from mlmcsc.domain.versions.layers import Layer, read_layers
from mlmcsc.domain.versions.manifest import Manifest, trusted
from mlmcsc.domain.versions.rows import State
from mlmcsc.errors import IntegrityError, MlmcscError
from mlmcsc.services.version_checks.image_files import (
    Depth,
    Looked,
    frozen_images,
    look_at_images,
)
from mlmcsc.store.key_settings import setting
from mlmcsc.store.queries import version_checks as queries
from mlmcsc.store.queries import versions as version_queries
from mlmcsc.store.uow import Store

TABLE = "data_versions"
PUT_BACK = "Put the file back as it was, or ingest it again from where it is now."
FROZEN = "features, feature_revisions, version_features"
NO_SENSE = (TypeError, ValueError, OverflowError)
"""What values raise that somebody wrote past mlmcsc and that are not of their column's kind."""


@dataclass
class _Tally:
    """What was read of the rows."""

    ids: list[NDArray[np.int64]] = field(default_factory=list)
    rows: int = 0
    redacted: int = 0
    labels: int = 0
    values: list[NDArray[np.float64]] = field(default_factory=list)
    parts: list[NDArray[np.int8]] = field(default_factory=list)
    root: str | None = None

    @property
    def images(self) -> NDArray[np.int64]:
        """Ids of all images, ascending."""
        return np.concatenate(self.ids) if self.ids else np.empty(0, np.int64)


@dataclass
class Verifying:
    """One verification in progress."""

    db: Store
    folder: VersionFolder
    record: DataVersionRecord
    tell: Progress
    findings: list[VersionFinding] = field(default_factory=list)
    n_findings: int = 0
    n_features: int = 0
    images: int = 0
    images_read: int = 0
    bytes_read: int = 0

    def run(
        self, *, images: bool, depth: Depth, workers: int | None, began: float
    ) -> VersionVerification:
        """Look at everything; what cannot be read is a finding, and the rest is looked at."""
        manifest = self._manifest()
        self._manifest_file()
        layers = self._layers()
        tally = self._rows(layers) if layers else None
        if tally is not None:
            self._root(tally, manifest)
            self._columns(tally, manifest, layers)
            self._redactions(tally)
            self._features(tally, manifest)
        if tally is not None and images:
            self._images(layers, tally, depth, workers)
        return VersionVerification(
            version=self.record.version,
            root=manifest.root if manifest else None,
            findings=tuple(self.findings),
            n_findings=self.n_findings,
            rows=tally.rows if tally else 0,
            redacted=tally.redacted if tally else 0,
            layers=len(layers),
            features=self.n_features,
            images=self.images,
            images_read=self.images_read,
            bytes_read=self.bytes_read,
            seconds=time.perf_counter() - began,
        )

    def find(
        self,
        kind: str,
        what: str,
        where: str = TABLE,
        image_id: int | None = None,
        repair: str = FROM_BACKUP,
    ) -> None:
        """Note what is wrong."""
        self.n_findings += 1
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(VersionFinding(kind, what, where, image_id, repair))

    def _manifest(self) -> Manifest | None:
        record, where = self.record, f"{TABLE}.manifest"
        try:
            with self.db.read() as view:
                key, database_id = view.vault.public_key(view), setting(view, "database_id")
                manifest = trusted(record.manifest, key, view.vault.crypto.verify)
        except (IntegrityError, *NO_SENSE) as error:
            self.find("manifest", _told(error), where)
            return None
        if manifest.version != record.version:
            what = f"The manifest is that of version {manifest.version!r}: it was exchanged."
            self.find("manifest", what, where)
        if manifest.database_id != database_id:
            self.find("manifest", "The manifest is that of another database.", where)
        return manifest

    def _manifest_file(self) -> None:
        path = self.folder.manifest_path(self.record.id)
        try:
            raw = path.read_bytes()
        except OSError as error:
            self.find("manifest", f"cannot be read: {error.strerror or error}", str(path))
            return
        if hashlib.sha256(raw).hexdigest() != self.record.backup_checksum:
            what = "The file's SHA-256 is not that of data_versions.backup_checksum."
            self.find("manifest", what, str(path))
            return
        try:
            same = orjson.loads(raw) == self.record.manifest
        except ValueError:
            same = False
        if not same:
            what = "The file and the column data_versions.manifest say different things."
            self.find("manifest", what, str(path))

    def _layers(self) -> tuple[Layer, ...]:
        """The files of rows; none where they cannot be named."""
        try:
            layers = read_layers(self.record.layers)
        except IntegrityError as error:
            self.find("layer", str(error), f"{TABLE}.layers")
            return ()
        for done, layer in enumerate(layers, start=1):
            path = self.folder.place(layer.sha256)
            try:
                self.folder.check(layer)
                size = path.stat().st_size
            except (MlmcscError, OSError) as error:
                self.find("layer", str(error), str(path))
                continue
            self.bytes_read += size
            if size != layer.n_bytes:
                what = f"says {layer.n_bytes:,} bytes of {path.name}, which has {size:,}"
                self.find("columns", what, f"{TABLE}.layers")
            self.tell("files of rows", done, len(layers))
        return layers

    def _rows(self, layers: tuple[Layer, ...]) -> _Tally | None:
        """Every row's leaf computed again; None where the rows cannot be read."""
        tally, tree, last = _Tally(), GrowingTree(), 0
        expected = sum(layer.n_rows for layer in layers)
        try:
            for batch in self.folder.rows(layers):
                if not batch.num_rows:
                    continue
                ids = batch.column("image_id").to_numpy()
                if ids[0] <= last or (ids[1:] <= ids[:-1]).any():
                    self.find("row", "Rows are not in the order of their image ids.", "rows")
                last = int(ids[-1])
                tree.extend(self._leaves(batch))
                _count(tally, batch)
                self.tell("rows", tally.rows, max(expected, tally.rows))
        except Exception as error:  # noqa: BLE001  # whatever a forged file does to its reader
            what = f"Rows cannot be read beyond the first {tally.rows:,}: {_told(error)}"
            self.find("row", what, str(self.folder.place(layers[0].sha256)))
            return None
        tally.root = tree.root().hex()
        return tally

    def _leaves(self, batch: Any) -> list[bytes]:
        """Leaves as computed; one that differs from what is stored beside the row is told."""
        import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions
        import pyarrow.compute as pc  # noqa: PLC0415

        computed = leaves(batch)
        stored = batch.column("leaf")
        differs = pc.fill_null(pc.not_equal(pa.array(computed, pa.binary()), stored), False)  # noqa: FBT003  # Arrow's signature
        for image_id in batch.column("image_id").filter(differs).to_pylist():
            what = "The row is not what its leaf was made of: it was changed."
            self.find("row", what, "rows", image_id)
        return computed

    def _root(self, tally: _Tally, manifest: Manifest | None) -> None:
        promised = manifest.root if manifest else self.record.root
        if tally.root != promised:
            what = f"The rows have the Merkle root {tally.root}; promised was {promised}."
            self.find("root", what, "rows")
        if self.record.root != promised:
            self.find("columns", "is not the root of the manifest", f"{TABLE}.root")

    def _columns(self, tally: _Tally, manifest: Manifest | None, layers: tuple[Layer, ...]) -> None:
        record = self.record
        wanted: dict[str, Any] = {
            "total_images": tally.rows,
            "backup_size": sum(layer.n_bytes for layer in layers),
        }
        if not tally.redacted:  # else the labels that decided some rows are not told any more
            wanted["total_labels"] = tally.labels
        if manifest:
            train, val, test = manifest.ratios
            wanted |= {"train_split": train, "val_split": val, "test_split": test}
            moment = record.created_at.isoformat()
            if moment != manifest.created_at:
                what = f"says {moment}; the manifest says {manifest.created_at}"
                self.find("columns", what, f"{TABLE}.created_at")
        for name, value in wanted.items():
            held = getattr(record, name)
            if held != value:
                self.find("columns", f"says {held}; it must be {value}", f"{TABLE}.{name}")
        if manifest and manifest.n_rows != tally.rows:
            what = f"{tally.rows:,} rows are there; {manifest.n_rows:,} were promised."
            self.find("row", what, "rows")
        if not tally.redacted:
            self._distribution(tally)

    def _distribution(self, tally: _Tally) -> None:
        """The histogram of labels, counted again between the edges that are stored."""
        told = self.record.label_distribution
        try:
            edges = np.asarray(told["edges"], dtype=np.float64)
            labels = np.concatenate([np.empty(0), *tally.values])  # also where there is no row
            splits = np.concatenate([np.empty(0, np.int8), *tally.parts])
            same = all(
                told[s.name.lower()] == np.histogram(labels[splits == s], edges)[0].tolist()
                for s in Split
            )
        except (TypeError, ValueError, KeyError):
            same = False
        if not same:
            what = "is not the distribution of the version's labels"
            self.find("columns", what, f"{TABLE}.label_distribution")

    def _redactions(self, tally: _Tally) -> None:
        with self.db.read() as view:
            told = queries.redactions_told(view, self.record.id)
        if not tally.redacted == self.record.n_redacted == told:
            what = (
                f"{tally.redacted:,} rows are redacted; data_versions.n_redacted says "
                f"{self.record.n_redacted}, the audit trail tells of {told:,}."
            )
            self.find("redactions", what, "rows")

    def _features(self, tally: _Tally, manifest: Manifest | None) -> None:
        with self.db.read() as view:
            held = version_queries.features_of(view, self.record.id)
        promised = {
            (each.feature_type, each.extractor_version): each
            for each in (manifest.features if manifest else ())
        }
        for done, each in enumerate(held, start=1):
            name = f"{each.feature_type} {each.extractor_version}"
            want = promised.pop((each.feature_type, each.extractor_version), each)
            try:
                with self.db.read() as view:
                    count, digest = queries.feature_digest(view, each, tally.images)
            except NO_SENSE as error:
                self.find("features", f"Vectors of {name} cannot be read: {_told(error)}", FROZEN)
                continue
            self.n_features += 1
            same = (each.n_vectors, each.digest) == (want.n_vectors, want.digest)
            if not same or (count, digest) != (want.n_vectors, want.digest):
                what = f"The vectors of {name} are not those that were frozen ({count:,} found)."
                self.find("features", what, FROZEN)
            self.tell("feature sets", done, len(held))
        for kind, by in promised:
            self.find("features", f"The set {kind} {by} was removed.", "version_features")

    def _images(
        self, layers: tuple[Layer, ...], tally: _Tally, depth: Depth, workers: int | None
    ) -> None:
        with self.db.read() as view:
            total = queries.total_bytes(view, tally.images)
        pages = frozen_images(self.folder.rows(layers, ("path", "content_hash")))
        done = 0
        for seen in look_at_images(self.db, pages, depth, workers):
            self.images += 1
            self.images_read += bool(seen.read)
            self.bytes_read += seen.read
            done += seen.n_bytes
            self._judge(seen)
            self.tell("bytes of images", done, max(total, done))

    def _judge(self, seen: Looked) -> None:
        if seen.problem is None:
            return
        repair = f"Its content is at {seen.kept_at}. {PUT_BACK}" if seen.kept_at else PUT_BACK
        self.find("image", f"The file is {seen.problem}.", seen.at, seen.image.image_id, repair)


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, MlmcscError) else type(error).__name__


def _count(tally: _Tally, batch: Any) -> None:
    tally.ids.append(np.array(batch.column("image_id").to_numpy()))
    tally.rows += batch.num_rows
    tally.redacted += int((batch.column("state").to_numpy() == State.REDACTED).sum())
    tally.values.append(np.array(batch.column("label").to_numpy(zero_copy_only=False)))
    tally.parts.append(np.array(batch.column("split").to_numpy(zero_copy_only=False)))
    offsets = batch.column("label_ids").offsets.to_numpy()
    tally.labels += int(offsets[-1] - offsets[0])
