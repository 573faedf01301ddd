"""Telling of a model, and of the version that it was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlmcsc.adapters.versions import VersionFolder
from mlmcsc.domain.lineage import (
    Feedback,
    Given,
    Kin,
    ModelLineage,
    PersonShare,
    TrainingDataLink,
    VersionLineage,
)
from mlmcsc.domain.permissions import Actor, Permission
from mlmcsc.domain.records import DataVersionRecord, ModelVersionRecord
from mlmcsc.domain.splits import Split
from mlmcsc.domain.training_data import training_data
from mlmcsc.domain.versions.layers import read_layers
from mlmcsc.services.lineage.contents import EVERYTHING, Contents, count
from mlmcsc.store.queries import lineage as queries
from mlmcsc.store.queries import people as people_queries
from mlmcsc.store.queries import versions as version_queries
from mlmcsc.store.queries.rows import View

WITHOUT_IMAGES = "recorded without the list of its images, so nothing can be told of them"


def link(view: View, model: ModelVersionRecord) -> TrainingDataLink:
    """What the data version that a model states is here."""
    names = queries.names_of_versions(view)
    return training_data(model.training_data_version, model.created_at, names)


@dataclass(frozen=True, slots=True)
class Teller:
    """One answer in the making."""

    view: View
    actor: Actor
    folder: VersionFolder

    def model(self, model: ModelVersionRecord) -> ModelLineage:
        """What a model was trained on, and what its predictions did."""
        trained_on = link(self.view, model)
        data, labels = None, np.empty(0, np.int64)
        if trained_on.version is not None:
            record = version_queries.find(self.view, trained_on.version)
            data, labels = self.version(record)
        feedback, gone = self._feedback(labels)
        return ModelLineage(
            model.id,
            model.version,
            model.name,
            trained_on,
            data,
            feedback,
            gone,
            queries.predictions_made(self.view, model.id),
            queries.labels_seeing(self.view, model.version),
        )

    def _feedback(self, labels: NDArray[np.int64]) -> tuple[tuple[Feedback, ...], int]:
        """Which models' predictions these labels were made in sight of; and how many are gone."""
        if not len(labels):
            return (), 0
        gone = int((~np.isin(labels, queries.label_ids(self.view), assume_unique=True)).sum())
        assisted = queries.assisted_labels(self.view)
        here = np.isin(assisted.label_ids, labels, assume_unique=True)
        size = len(assisted.names)
        seen = np.bincount(assisted.models[here], minlength=size)
        confirmed = np.bincount(assisted.models[here & assisted.confirmed], minlength=size)
        told = [
            Feedback(name, int(seen[at]), int(confirmed[at]), int(confirmed[at]) / len(labels))
            for at, name in enumerate(assisted.names)
            if seen[at]
        ]
        return tuple(sorted(told, key=lambda each: (-each.seen, each.model))), gone

    def version(self, version: DataVersionRecord) -> tuple[VersionLineage, NDArray[np.int64]]:
        """What a version was made of and what was made of it; and its train split's labels."""
        found = Contents()
        if version.frozen:
            found = count(self.folder.rows(read_layers(version.layers), EVERYTHING))
        manifest = version.manifest if isinstance(version.manifest, dict) else {}
        told = VersionLineage(
            version.version,
            version.name,
            version.created_at,
            version.root,
            manifest.get("label_policy"),
            manifest.get("seed"),
            tuple(version_queries.tags_of(self.view).get(version.id, ())),
            int(found.splits.sum()) if version.frozen else version.total_images or 0,
            found.redacted,
            {split.name.lower(): int(found.splits[split]) for split in Split},
            found.labels if version.frozen else version.total_labels or 0,
            len(found.specimens),
            self._people(found),
            self._kin(version),
            queries.models_trained(self.view).get(version.version, ()),
            self._exports(version.root),
            None if version.frozen else WITHOUT_IMAGES,
        )
        return told, found.train_labels

    def _people(self, found: Contents) -> tuple[PersonShare, ...]:
        personal = Permission.READ_PERSONAL in self.actor.permissions
        staff = queries.staff_numbers(self.view, found.people) if personal else {}
        told = [
            PersonShare(who, staff.get(who), labels, train, labels / found.labels)
            for who, (labels, train) in found.people.items()
        ]
        return tuple(sorted(told, key=lambda each: (-each.labels, each.technician_id)))

    def _kin(self, version: DataVersionRecord) -> tuple[Kin, ...]:
        """Earlier versions with files in common, the latest first."""
        if not version.frozen:
            return ()
        ours = {layer.sha256 for layer in read_layers(version.layers)}
        kin = []
        for other in version_queries.every(self.view):
            if other.id < version.id and other.frozen:
                shared = [each for each in read_layers(other.layers) if each.sha256 in ours]
                if shared:
                    n_rows = sum(each.n_rows for each in shared)
                    kin.append(Kin(other.version, n_rows, sum(each.n_bytes for each in shared)))
        return tuple(reversed(kin))

    def _exports(self, root: str | None) -> tuple[Given, ...]:
        if root is None:
            return ()
        given: Sequence[Given] = queries.exports_of(self.view, root)
        return tuple(people_queries.reveal(self.view, self.actor, given, ("recipient",)))
