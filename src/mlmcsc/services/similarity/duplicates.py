"""Groups of images that look the same, by fingerprint and by features."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mlmcsc.adapters.vector_search import ApproximateIndex, Vectors, tie_close
from mlmcsc.domain.image_facts import hamming
from mlmcsc.domain.progress import Progress
from mlmcsc.domain.similarity import (
    DuplicateGroup,
    DuplicateImage,
    DuplicateReport,
    Grouping,
    Metric,
)
from mlmcsc.domain.similarity.metrics import distances
from mlmcsc.errors import UnsupportedError, ValidationError
from mlmcsc.services.similarity.scope import Frozen, OpenVersion, Scope, read_frozen
from mlmcsc.store.queries import similarity as queries
from mlmcsc.store.queries.similarity import Facts
from mlmcsc.store.uow import Store

Ids = NDArray[np.int64]
ALL_PAIRS = 100_000
"""Up to so many vectors are compared each with every other: some minutes on two cores."""
NEIGHBOURS = 32
"""Of each image, so many are looked at where the index stands in for all pairs."""
BATCH = 4096


@dataclass(frozen=True, slots=True)
class Alike:
    """What counts as the same, checked."""

    max_distance: float
    label_tolerance: float
    perceptual: bool

    @classmethod
    def checked(
        cls, max_distance: float, label_tolerance: float, *, perceptual: bool, kind: str | None
    ) -> Self:
        """Refuse limits that make no sense.

        Raises:
            ValidationError: Naming the value and its limit.
        """
        if not _is_number(max_distance) or not 0 <= max_distance <= 1:
            raise ValidationError(
                f"max_distance={max_distance!r}: must be from 0 to 1 (1 minus cosine)."
            )
        if not _is_number(label_tolerance) or label_tolerance < 0:
            raise ValidationError(f"label_tolerance={label_tolerance!r}: must be 0 or more.")
        if not perceptual and kind is None:
            raise ValidationError(
                "There is nothing to compare: name a kind of feature, or compare fingerprints."
            )
        return cls(float(max_distance), float(label_tolerance), perceptual)


def _is_number(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value)  # type: ignore[arg-type]  # a number by now


@dataclass(frozen=True, slots=True)
class _Ties:
    """Which images are tied together, by what; images are numbered by their place in `universe`."""

    universe: Ids
    prints: Grouping
    features: Grouping

    @classmethod
    def among(cls, universe: Ids) -> Self:
        return cls(universe, Grouping(len(universe)), Grouping(len(universe)))

    def groups(self) -> list[NDArray[np.int64]]:
        both = Grouping(len(self.universe))
        for kind in (self.prints, self.features):
            both.tie(np.stack([np.arange(len(self.universe)), kind.roots], axis=1))
        return both.groups()

    def found_by(self, members: NDArray[np.int64]) -> tuple[str, ...]:
        kinds = {"fingerprint": self.prints, "features": self.features}
        return tuple(name for name, kind in kinds.items() if (kind.roots[members] != members).any())


def find_duplicates(
    db: Store,
    open_version: OpenVersion,
    scope: Scope | None,
    alike: Alike,
    data_version: str | None,
    progress: Progress,
    *,
    approximate: bool,
) -> DuplicateReport:
    """See `Similarity.duplicates`; no snapshot is held while all pairs are compared."""
    frozen = scope.frozen if scope is not None else None
    if data_version is not None and frozen is None:
        frozen, _ = read_frozen(open_version, data_version)
    with db.read() as view:
        pairs = queries.look_alikes(view) if alike.perceptual else np.empty((0, 2), np.int64)
        if frozen is not None:
            pairs = pairs[np.isin(pairs, frozen.ids).all(axis=1)]
        every = [] if scope is None else list(scope.sources(view, None))
    sources = [source.with_direction() for source in every]
    ids = [source.ids[source.all_rows()] for source in sources]
    ties = _Ties.among(np.unique(np.concatenate([pairs.ravel(), *ids])))
    ties.prints.tie(np.searchsorted(ties.universe, pairs))
    if scope is not None:
        _tie_features(scope, sources, ties, alike.max_distance, progress, approximate=approximate)
    with db.read() as view:
        groups = ties.groups()
        images = [ties.universe[members] for members in groups]
        members = np.concatenate(images) if images else np.empty(0, np.int64)
        facts = queries.facts_of(view, members)
        if frozen is not None:
            facts = frozen.facts(members, facts)
        prints = queries.fingerprints_of(view, members)
    telling = _Telling(facts, prints, _places(sources, members), frozen, alike.label_tolerance)
    told = (
        telling.group(of.tolist(), ties.found_by(at)) for of, at in zip(images, groups, strict=True)
    )
    return DuplicateReport(
        groups=tuple(each for each in told if each is not None),
        compared=sum(len(source) for source in sources),
        exact=not approximate,
        feature_type=None if scope is None else scope.chosen.feature_type,
        extractor_version=None if scope is None else scope.chosen.extractor_version,
        max_distance=alike.max_distance,
        label_tolerance=alike.label_tolerance,
        data_version=None if frozen is None else frozen.record.version,
    )


def _tie_features(
    scope: Scope,
    sources: list[Vectors],
    ties: _Ties,
    max_distance: float,
    progress: Progress,
    *,
    approximate: bool,
) -> None:
    count = sum(len(source) for source in sources)
    if approximate:
        _tie_by_index(scope, sources, ties, max_distance, progress)
    elif count > ALL_PAIRS:
        raise ValidationError(
            f"{count:,} vectors are too many to compare each with every other (at most "
            f"{ALL_PAIRS:,}). Pass approximate=True, which compares each with its nearest."
        )
    else:
        tie_close(sources, ties.universe, ties.features, max_distance, progress)


def _tie_by_index(
    scope: Scope, sources: list[Vectors], ties: _Ties, max_distance: float, progress: Progress
) -> None:
    """Tie each image to those of its nearest that are close enough, measured in float64."""
    matrix = scope.matrix
    if matrix is None or scope.frozen is not None:
        raise UnsupportedError(
            "approximate=True needs the index of today's vectors, which a frozen version or a "
            "database in memory has not. Leave approximate out."
        )
    index = ApproximateIndex(matrix.files, Metric.COSINE, scope.chosen.feature_dimension)
    index.open(matrix.vectors, progress)
    (source,) = sources
    rows = source.all_rows()
    for start in range(0, len(rows), BATCH):
        part = rows[start : start + BATCH]
        vectors = source.values[part].astype(np.float64)
        close = []
        for row, query, found in zip(part, vectors, index.search(vectors, NEIGHBOURS), strict=True):
            near = found[(matrix.rows_of(source.ids[found]) == found) & (source.norms[found] > 0)]
            near = near[distances(source.values[near], query, Metric.COSINE) <= max_distance]
            close.append(np.stack([np.full(len(near), row), near], axis=1))
        ties.features.tie(np.searchsorted(ties.universe, source.ids[np.concatenate(close)]))
        progress("comparing", start + len(part), len(rows))


def _places(sources: list[Vectors], members: Ids) -> dict[int, tuple[Vectors, int]]:
    """Where the vector of each member is."""
    wanted = np.sort(members)
    return {
        image: (source, row)
        for source in sources
        for part in (source.only(wanted),)
        for image, row in zip(
            part.ids[part.all_rows()].tolist(), part.all_rows().tolist(), strict=True
        )
    }


@dataclass(frozen=True, slots=True)
class _Telling:
    """Turns members into records."""

    facts: Mapping[int, Facts]
    prints: Mapping[int, bytes]
    places: Mapping[int, tuple[Vectors, int]]
    frozen: Frozen | None
    tolerance: float

    def group(self, members: list[int], found_by: tuple[str, ...]) -> DuplicateGroup | None:
        """The group; None where images were deleted meanwhile and at most one is left."""
        there = [image for image in members if image in self.facts]
        if len(there) < 2:  # noqa: PLR2004  # one image is no group
            return None
        images = tuple(self._image(image, there[0]) for image in there)
        labels = [each.label for each in images if each.label is not None]
        spread = max(labels) - min(labels) if len(labels) > 1 else None
        splits = {each.split for each in images}
        return DuplicateGroup(
            images=images,
            found_by=found_by,
            specimens=tuple(sorted({e.specimen_id for e in images if e.specimen_id is not None})),
            label_spread=spread,
            labels_disagree=spread is not None and spread > self.tolerance,
            straddles=None if self.frozen is None else len(splits) > 1,
        )

    def _image(self, image: int, first: int) -> DuplicateImage:
        fact = self.facts[image]
        prints = [self.prints[each] for each in (first, image) if each in self.prints]
        both = len(prints) == 2  # noqa: PLR2004  # of the two images
        return DuplicateImage(
            image_id=image,
            path=fact.path,
            specimen_id=fact.specimen_id,
            label=fact.label,
            split=None if self.frozen is None else self.frozen.split_of(image),
            bits=hamming(*prints) if both else None,
            distance=self._apart(first, image),
        )

    def _apart(self, first: int, image: int) -> float | None:
        if first not in self.places or image not in self.places:
            return None
        (a, row_a), (b, row_b) = self.places[first], self.places[image]
        query = a.values[row_a].astype(np.float64)
        return float(distances(b.values[[row_b]], query, Metric.COSINE)[0])
