"""Which vectors are searched: those of today, or those that a version froze."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlmcsc.adapters.feature_matrix import FeatureMatrix
from mlmcsc.adapters.frozen_tables import FrozenTable
from mlmcsc.adapters.vector_search import Vectors, in_memory, of_matrix
from mlmcsc.domain.datasets.choosing import choose, promised
from mlmcsc.domain.records import DataVersionRecord, VersionFeatureRecord
from mlmcsc.domain.splits import Split
from mlmcsc.domain.vectors import as_float32
from mlmcsc.domain.versions.manifest import FrozenFeatures, Manifest
from mlmcsc.errors import AmbiguousError, UnknownRecordError, ValidationError
from mlmcsc.store.queries import features as feature_queries
from mlmcsc.store.queries import frozen_features
from mlmcsc.store.queries import similarity as queries
from mlmcsc.store.queries import versions as version_queries
from mlmcsc.store.queries.features import FeatureSet
from mlmcsc.store.queries.rows import View
from mlmcsc.store.queries.similarity import Facts
from mlmcsc.store.uow import Store

MatrixOf = Callable[[str, str], FeatureMatrix | None]
"""Gives the matrix of a type and an extractor as of now; None where none is kept."""
OpenVersion = Callable[[str], tuple[DataVersionRecord, Manifest, FrozenTable]]
"""Gives a version by name or tag: what was promised, and its rows, which are opened once."""
Ids = NDArray[np.int64]
Chunk = Any


@dataclass(frozen=True, slots=True)
class Frozen:
    """The rows of a version that were not redacted; mapped, of equal length, ascending by image.

    Attributes:
        record: The version.
        ids: Images, int64.
        labels: float64.
        splits: int8, values of `Split`.
        specimens: Arrow column of text.
    """

    record: DataVersionRecord
    ids: Ids
    labels: NDArray[np.float64]
    splits: NDArray[np.int8]
    specimens: Any

    def facts(self, image_ids: Ids, today: Mapping[int, Facts]) -> dict[int, Facts]:
        """Specimen and label as frozen; the path is the file's of today."""
        at = np.searchsorted(self.ids, image_ids)
        specimens = self.specimens.take(at).to_pylist()
        labels = self.labels[at].tolist()
        return {
            image: Facts(today[image].path, specimen, label)
            for image, specimen, label in zip(image_ids.tolist(), specimens, labels, strict=True)
            if image in today
        }

    def split_of(self, image_id: int) -> str:
        """The split of an image of the version."""
        return Split(int(self.splits[np.searchsorted(self.ids, image_id)])).name.lower()

    def where(self, wanted: Mapping[str, Any]) -> Ids:
        """The images whose frozen specimen and label fit; ascending."""
        keep = np.ones(len(self.ids), dtype=bool)
        if "specimen_id" in wanted:
            same = [name == wanted["specimen_id"] for name in self.specimens.to_pylist()]
            keep &= np.asarray(same, dtype=bool)
        if "min_label" in wanted:
            keep &= self.labels >= wanted["min_label"]
        if "max_label" in wanted:
            keep &= self.labels <= wanted["max_label"]
        return self.ids[keep]


FROZEN_FILTERS = {"specimen_id", "min_label", "max_label"}
"""What a version knows itself; other filters look at the images as they are today."""


def read_frozen(open_version: OpenVersion, data_version: str) -> tuple[Frozen, Manifest]:
    """The rows of the version of that name or tag, and what was promised of it.

    Raises:
        UnknownRecordError: There is none.
        UnsupportedError: It was recorded without its images.
        IntegrityError: Its rows are not those that were frozen.
    """
    record, manifest, table = open_version(data_version)
    specimens = table.arrow().column("specimen_id")
    return Frozen(record, table.image_ids, table.labels, table.splits, specimens), manifest


@dataclass(frozen=True, slots=True)
class Scope:
    """A feature set as it is searched.

    Attributes:
        chosen: The set; `n_vectors` counts those of the version, if there is one.
        matrix: Made before any snapshot that it is used with; None where the table is read.
        frozen: The version; None for today.
        held: The set as that version holds it.
    """

    chosen: FeatureSet
    matrix: FeatureMatrix | None
    frozen: Frozen | None
    held: VersionFeatureRecord | None

    def vector_of(self, view: View, image_id: int) -> NDArray[np.float32]:
        """The image's vector, shape `(D,)`.

        Raises:
            UnknownRecordError: It has none.
        """
        raw = queries.raw_vector(view, self.chosen, image_id, self.held)
        searched = self.frozen is None or image_id in self.frozen.ids
        if raw is None or not searched:
            where = f" in data version {self.frozen.record.version!r}" if self.frozen else ""
            raise UnknownRecordError(
                f"image {image_id} has no {self.chosen.feature_type} "
                f"{self.chosen.extractor_version} vector{where}. Extract it, or name another image."
            )
        return as_float32(feature_queries.decode(raw, self.chosen.dtype))

    def sources(self, view: View, only: Ids | None) -> Iterator[Vectors]:
        """The vectors to search in, each image once.

        Args:
            view: A snapshot taken after the matrix was: what was replaced since is known to it.
            only: Of these images (ascending); None for all.
        """
        for source in self._every(view):
            yield source if only is None else source.only(only)

    def _every(self, view: View) -> Iterator[Vectors]:
        if self.frozen is None or self.held is None:
            if self.matrix is not None:
                yield of_matrix(self.matrix)
            else:
                yield from self._decoded(feature_queries.stream(view, self.chosen))
            return
        if self.matrix is not None:
            newer = frozen_features.later_images(view, self.held)
            replaced = queries.overlay_images(view, self.held)
            old = of_matrix(self.matrix).without(np.union1d(newer, replaced))
            yield old.only(self.frozen.ids)
        else:
            today = feature_queries.stream(view, self.chosen)
            marker = self.held.marker
            kept = ([row for row in chunk if row[0] < marker] for chunk in today)
            for part in self._decoded(chunk for chunk in kept if chunk):
                yield part.only(self.frozen.ids)
        for part in self._decoded(queries.overlay(view, self.held)):
            yield part.only(self.frozen.ids)

    def _decoded(self, chunks: Iterator[Chunk]) -> Iterator[Vectors]:
        for chunk in chunks:
            raw = b"".join(row[2] for row in chunk)
            values = as_float32(feature_queries.decode(raw, self.chosen.dtype))
            ids = np.fromiter((row[1] for row in chunk), np.int64, len(chunk))
            yield in_memory(ids, values.reshape(len(chunk), -1))


def sets_of(
    db: Store, open_version: OpenVersion, data_version: str | None
) -> Sequence[FeatureSet | FrozenFeatures]:
    """The sets of today, or those that a version holds."""
    if data_version is None:
        with db.read() as view:
            return feature_queries.sets(view)
    return open_version(data_version)[1].features


def only_fitting(
    stored: Sequence[FeatureSet | FrozenFeatures],
    shape: tuple[int, ...],
    extractor_version: str | None,
) -> FeatureSet | FrozenFeatures:
    """The one set whose vectors have as many numbers as those given.

    Args:
        stored: The sets there are.
        shape: Of the vectors given: `(Q, D)`.
        extractor_version: Of which extractor; None for any.

    Raises:
        ValidationError: None has; the message tells which numbers there are.
        AmbiguousError: Several have; the message lists them.
    """
    fitting = [
        each
        for each in stored
        if (each.feature_dimension,) == shape[1:]
        and extractor_version in {None, each.extractor_version}
    ]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        told = ", ".join(f"{each.feature_type} {each.extractor_version}" for each in fitting)
        raise AmbiguousError(
            f"The vectors of several sets have {shape[1]} numbers: {told}. Say which with "
            "feature_type=, and extractor_version= if need be."
        )
    known = ", ".join(
        f"{each.feature_dimension} ({each.feature_type} {each.extractor_version})"
        for each in stored
    )
    by = "" if extractor_version is None else f" by extractor {extractor_version!r}"
    raise ValidationError(
        f"vector: got shape {shape[1:]}; no stored vectors{by} have so many numbers. There are: "
        f"{known or 'none'}."
    )


def open_scope(
    db: Store,
    open_version: OpenVersion,
    matrix_of: MatrixOf,
    feature_type: str,
    extractor_version: str | None,
    data_version: str | None,
) -> Scope:
    """The set that is meant.

    The version is looked up first and the matrix opened then: so the matrix holds all that the
    version froze and that was not replaced since.

    Raises:
        UnknownRecordError: No such features, or no such version.
        AmbiguousError: Several extractor versions are stored; the message lists them.
        UnsupportedError: The version was recorded without its images.
        IntegrityError: The version is not what was frozen.
    """
    frozen, held = None, None
    if data_version is None:
        with db.read() as view:
            chosen = feature_queries.choose(view, feature_type, extractor_version)
    else:
        frozen, manifest = read_frozen(open_version, data_version)
        meant = choose(manifest, feature_type, extractor_version)
        with db.read() as view:
            rows = version_queries.features_of(view, frozen.record.id)
            held = promised(meant, rows, frozen.record.version)
            chosen = queries.frozen_set(view, held)
    matrix = matrix_of(chosen.feature_type, chosen.extractor_version)
    return Scope(chosen, matrix, frozen, held)
