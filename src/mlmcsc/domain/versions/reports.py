"""What creating, showing and deleting a version tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlmcsc.domain.records import DataVersionRecord, Record, VersionFeatureRecord
from mlmcsc.domain.training import TrainingReport
from mlmcsc.domain.versions.layers import Layer, read_layers
from mlmcsc.domain.versions.manifest import FrozenFeatures, read_manifest
from mlmcsc.errors import IntegrityError


@dataclass(frozen=True, slots=True)
class CreatedVersion(Record):
    """A version that was made, was there already, or would be made.

    Attributes:
        version: Its name.
        record: Its row; None for a dry run.
        created: False where the same version was there already, and for a dry run.
        parent: The version that it shares unchanged rows with, if any.
        splits: Images in each split.
        empty_splits: Splits without an image.
        labels: Labels that the values were made of.
        new: Rows that the parent did not have.
        changed: Rows of the parent that say something else now.
        gone: Images of the parent that are not in it.
        same: Rows shared with the parent.
        bytes_written: Bytes of rows stored for this version alone.
        features: The feature sets that it holds.
        report: How the images were chosen, and why others were left out.
        new_base: What was found wrong with the files of the version before, so that no rows could
            be shared with it; None where nothing was.
    """

    version: str
    record: DataVersionRecord | None
    created: bool
    parent: str | None
    splits: Mapping[str, int]
    empty_splits: tuple[str, ...]
    labels: int
    new: int
    changed: int
    gone: int
    same: int
    bytes_written: int
    features: tuple[FrozenFeatures, ...]
    report: TrainingReport
    new_base: str | None = None

    @property
    def id(self) -> int | None:
        """Id of the version."""
        return None if self.record is None else self.record.id

    @property
    def root(self) -> str | None:
        """Merkle root of its rows, hex."""
        return None if self.record is None else self.record.root


@dataclass(frozen=True, slots=True)
class VersionDetails(Record):
    """All that is known of a version.

    Attributes:
        record: Its row.
        tags: Names that point to it.
        features: The feature sets that it holds.
        layers: Where its rows lie, base first.
        shared_bytes: Bytes of these that other versions have too.
        manifest_path: The file of its manifest, where it lies now; None: there is none.
        models: Model versions trained on it.
        splits: Images in each split.
        report: How the images were chosen; what the manifest says.
        damage: What is wrong with its row and what to do; None where it can be read.
    """

    record: DataVersionRecord
    tags: tuple[str, ...]
    features: tuple[VersionFeatureRecord, ...]
    layers: tuple[Layer, ...]
    shared_bytes: int
    manifest_path: str | None
    models: tuple[str, ...]
    splits: Mapping[str, int]
    report: Mapping[str, Any]
    damage: str | None


@dataclass(frozen=True, slots=True)
class DeletedVersion(Record):
    """What went, or would go, with a version.

    Attributes:
        version: Its name.
        deleted: False for a dry run.
        images_released: Images that no other version has: retention may delete them again.
        vectors_freed: Replaced feature vectors that were kept for it alone.
        bytes_freed: Bytes of rows that no other version shares.
        tags: Tags that pointed to it.
        models: Models that name it as their training data.
        exports: How often it was exported or checked out.
        damage: What is wrong with its files; None where they can be read.
    """

    version: str
    deleted: bool
    images_released: int
    vectors_freed: int
    bytes_freed: int
    tags: tuple[str, ...]
    models: tuple[str, ...]
    exports: int
    damage: str | None


def damage_of(record: DataVersionRecord) -> str | None:
    """What is wrong with a version's row, and what to do; None where it can be read."""
    if not record.frozen:
        return None
    try:
        read_layers(record.layers)
        manifest, _, _ = read_manifest(record.manifest)
        sound = all(isinstance(each, dict) for each in (manifest.report, manifest.filters))
    except IntegrityError as error:
        return str(error)
    if not sound or not isinstance(record.label_distribution, dict | None):
        return (
            f"The row of version {record.version!r} in data_versions was changed past mlmcsc. "
            "Restore a backup."
        )
    return None
