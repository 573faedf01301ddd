"""Opening frozen versions for training."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlmcsc.adapters.frozen_tables import FrozenTable, build
from mlmcsc.adapters.versions import VersionFolder
from mlmcsc.domain.datasets.choosing import promised
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.records import DataVersionRecord
from mlmcsc.domain.training import TrainingData
from mlmcsc.domain.versions.layers import Layer, read_layers
from mlmcsc.domain.versions.manifest import FrozenFeatures, Manifest, trusted
from mlmcsc.errors import IntegrityError, StoreError
from mlmcsc.services.datasets import selecting, training_data, vectors
from mlmcsc.services.datasets.dataset import Dataset, DatasetReport, Workshop
from mlmcsc.store.queries import holds as hold_queries
from mlmcsc.store.queries import versions as version_queries
from mlmcsc.store.uow import Store

TRIES = 3
KEPT = 4
"""Versions whose mapped rows are kept for the next search."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where opened versions lie.

    Attributes:
        versions: The frozen rows themselves.
        caches: Folder of derived files, which an erasure empties.
        max_pixels: Largest allowed width x height of a picture.
    """

    versions: VersionFolder
    caches: Path
    max_pixels: int


@dataclass(frozen=True, slots=True)
class Datasets:
    """Open frozen versions, in one actor's name.

    Attributes:
        db: The database.
        actor: For whom.
        places: Where opened versions lie.
        live_matrix: Gives the up-to-date matrix of a live feature set.
        kept: Tables that are mapped already, by folder; for `rows`.
    """

    db: Store
    actor: Actor
    places: Places
    live_matrix: vectors.LiveMatrix
    kept: dict[Path, FrozenTable] = field(default_factory=dict, compare=False)

    @requires(Permission.TRAIN)
    def open(self, version: str, split: str | None = None) -> Dataset:
        """Open a version for training.

        The first opening writes its rows as files that can be mapped, and checks them: the
        manifest against this database's signature, every file against its hash, all rows against
        the signed root. Later openings map these files. Redacted rows are left out; rows of people
        whose data may not be processed (GDPR Art. 18) are set aside; the report counts both.

        Args:
            version: Name of a version, or a tag.
            split: Open this split only: `train`, `val` or `test`.

        Raises:
            UnknownRecordError: There is no such version; the message lists what there is.
            UnsupportedError: It was recorded without its images.
            IntegrityError: Its rows are not those that were frozen.
            ValidationError: There is no such split.
            StoreError: The cache cannot be written.
        """
        _, manifest, people, table = self._open(version, TRIES)
        dataset = self._dataset(table, manifest, people)
        return dataset if split is None else dataset.split(split)

    @requires(Permission.TRAIN)
    def training_data(self, version: str, asked: Mapping[str, Any]) -> TrainingData:
        """The frozen splits of a version, the same on every machine.

        Args:
            version: Name of a version, or a tag.
            asked: The other arguments of `Training.splits`; each must be left out or be as the
                version was made.

        Raises:
            ValidationError: One contradicts the version.
            UnknownRecordError: There is no such version.
        """
        dataset = self.open(version)
        training_data.refuse_contradictions(dataset.manifest, asked)
        return training_data.of(dataset)

    @requires(Permission.TRAIN)
    def rows(self, version: str) -> tuple[DataVersionRecord, Manifest, FrozenTable]:
        """The rows of a version, opened once and then kept, with what was promised of them.

        Rows of people whose data may not be processed are among them; see `open`, also for errors.

        Args:
            version: Name of a version, or a tag.
        """
        record, manifest, _, table = self._open(version, TRIES, self.kept)
        return record, manifest, table

    def _open(
        self, version: str, tries: int, kept: dict[Path, FrozenTable] | None = None
    ) -> tuple[DataVersionRecord, Manifest, NDArray[np.int64], FrozenTable]:
        record, manifest, people = self._find(version)
        try:
            return record, manifest, people, self._table(record, manifest, kept)
        except IntegrityError:
            now, _, _ = self._find(version)
            if tries == 1 or now.layers == record.layers:  # else: rows were redacted meanwhile
                raise
            return self._open(version, tries - 1, kept)

    def _find(self, version: str) -> tuple[DataVersionRecord, Manifest, NDArray[np.int64]]:
        with self.db.read() as view:
            record = version_queries.frozen(view, version)
            key, verify = view.vault.public_key(view), view.vault.crypto.verify
            manifest = trusted(record.manifest, key, verify)
            people = hold_queries.restricted_technicians(view)
        if (manifest.root, manifest.version) != (record.root, record.version):
            raise IntegrityError(
                f"The row of version {record.version!r} in data_versions and its signed manifest "
                "name different roots or versions: it was changed past mlmcsc. Restore a backup."
            )
        return record, manifest, people

    def _table(
        self,
        record: DataVersionRecord,
        manifest: Manifest,
        kept: dict[Path, FrozenTable] | None,
    ) -> FrozenTable:
        """The version's files, written where they are not there or damaged."""
        layers = read_layers(record.layers)
        folder = self.places.caches / "versions" / _name(record.id, manifest.root, layers)

        def write() -> None:
            for layer in layers:
                self.places.versions.check(layer)
            build(folder, self.places.versions.rows(layers), manifest.root, manifest.n_rows)

        known = None if kept is None else kept.pop(folder, None)
        if known is None or not known.there:
            try:
                known = FrozenTable(folder, write)
            except StoreError:
                write()  # not opened before, or damaged: it is a cache
                known = FrozenTable(folder, write)
        if kept is not None:
            for other in list(kept)[: 1 - KEPT]:
                del kept[other]
            kept[folder] = known
        return known

    def _dataset(
        self, table: FrozenTable, manifest: Manifest, people: NDArray[np.int64]
    ) -> Dataset:
        selection = selecting.without_people(table, people)
        report = DatasetReport(
            version=manifest.version,
            split=None,
            frozen=manifest.n_rows,
            redacted=table.n_redacted,
            restricted=table.n_rows - selection.n,
            restricted_labels=table.labels_of_people(people) if len(people) else 0,
            samples=selection.n,
        )
        pictures = self.places.caches / "pictures"
        shop = Workshop(pictures, self.places.max_pixels, self._lay_out(manifest.version))
        return Dataset(manifest, report, table, selection, shop)

    def _lay_out(self, version: str) -> Callable[[FrozenTable, FrozenFeatures], None]:
        def fetch(table: FrozenTable, chosen: FrozenFeatures) -> None:
            with self.db.read() as view:
                record = version_queries.frozen(view, version)
                held = version_queries.features_of(view, record.id)
            row = promised(chosen, held, version)
            vectors.lay_out(self.db, self.live_matrix, table, row)

        return fetch


def _name(version_id: int, root: str, layers: tuple[Layer, ...]) -> str:
    """The folder of an opened version: other layers (some rows redacted), another folder."""
    told = hashlib.sha256("".join(layer.sha256 for layer in layers).encode()).hexdigest()
    return f"{version_id}-{root[:16]}-{told[:16]}"
