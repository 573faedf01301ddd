"""Searching a scope, exactly or by the index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlmcsc.adapters.feature_matrix import FeatureMatrix
from mlmcsc.adapters.vector_search import ApproximateIndex, Vectors, of_matrix, search_exact
from mlmcsc.domain.filters import check_listing
from mlmcsc.domain.progress import Progress
from mlmcsc.domain.similarity import (
    NOTHING,
    Metric,
    Nearest,
    SimilarFilter,
    SimilarImage,
    SimilarResult,
    nearest,
    recall,
)
from mlmcsc.domain.similarity.metrics import distances
from mlmcsc.errors import UnsupportedError, ValidationError
from mlmcsc.services.similarity.scope import FROZEN_FILTERS, Scope
from mlmcsc.store.queries import similarity as queries
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store

Ids = NDArray[np.int64]
SAMPLE = 100
"""Stored vectors that the recall of an index is measured with, spread evenly over the matrix."""
MORE = 16
"""Rows asked of the index beyond those wanted: it also holds rows that were replaced."""
FAR = 1024
"""Rows from which on looking at all vectors is no slower than asking the index for so many."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A search, checked.

    Attributes:
        queries: Shape `(Q, D)`, float64.
        k: Neighbours of each.
        metric: Which distance.
        only: Search these images only (ascending); None for all.
        without: An image that is not its own neighbour.
    """

    queries: NDArray[np.float64]
    k: int
    metric: Metric
    only: Ids | None = None
    without: int | None = None


def check_where(where: SimilarFilter | None, *, approximate: bool, frozen: bool) -> dict[str, Any]:
    """The filter as plain values.

    Raises:
        UnknownKeywordError: There is no such filter.
        ValidationError: A value is wrong, or the index is asked for a part of the images.
    """
    wanted = check_listing(SimilarFilter, where or {}, 0, 1)
    if approximate and (wanted or frozen):
        raise ValidationError(
            "approximate=True searches all images of today. Leave it out to search those that "
            "fit a filter or are in a data version: that is exact, and quick as they are fewer."
        )
    return wanted


def images_that_fit(view: View, scope: Scope, wanted: dict[str, Any]) -> Ids | None:
    """The images to search, ascending; None for all of the scope."""
    if not wanted:
        return None
    if scope.frozen is None:
        return queries.images_where(view, wanted)
    fitting = scope.frozen.where(wanted)
    today = {name: value for name, value in wanted.items() if name not in FROZEN_FILTERS}
    return np.intersect1d(fitting, queries.images_where(view, today)) if today else fitting


def exactly(view: View, scope: Scope, asked: Asked) -> list[SimilarResult]:
    """The nearest for certain."""
    counted = [0, 0]

    def counting() -> Any:
        for every in scope.sources(view, asked.only):
            source = every
            if asked.without is not None:
                source = source.without(np.asarray([asked.without]))
            used = source.with_direction() if asked.metric is Metric.COSINE else source
            counted[0] += len(used)
            counted[1] += len(source) - len(used)
            yield used

    found = search_exact(counting(), asked.queries, asked.k, asked.metric)
    return _told(view, scope, asked, found, counted=(counted[0], counted[1]), measured=None)


def approximately(db: Store, scope: Scope, asked: Asked, progress: Progress) -> list[SimilarResult]:
    """The nearest that the index finds, with its measured recall.

    No snapshot is held meanwhile: building the index may take minutes.

    Raises:
        UnsupportedError: usearch is not installed, or the database keeps no files.
        StoreError: The index cannot be written.
    """
    matrix = scope.matrix
    if matrix is None:
        raise UnsupportedError(
            "approximate=True keeps an index beside the database, and there is no place for one: "
            "the database is in memory, or its cache cannot be written. Leave approximate out."
        )
    index = ApproximateIndex(matrix.files, asked.metric, scope.chosen.feature_dimension)
    index.open(matrix.vectors, progress)
    every = of_matrix(matrix)
    used = every.with_direction() if asked.metric is Metric.COSINE else every
    measured = index.recall(asked.k)
    if measured is None:
        measured = _measure(index, matrix, used, asked)
        index.remember_recall(asked.k, measured)
    skip = [asked.without] * len(asked.queries)
    found = _find(index, matrix, used, asked.queries, asked, skip)
    counted = (len(used) - (asked.without is not None), len(every) - len(used))
    with db.read() as view:
        return _told(view, scope, asked, found, counted=counted, measured=measured)


def _measure(index: ApproximateIndex, matrix: FeatureMatrix, used: Vectors, asked: Asked) -> float:
    """Recall at k of the index, on a sample of stored vectors; each leaves itself out."""
    rows = used.all_rows()
    sample = rows[np.unique(np.linspace(0, len(rows) - 1, SAMPLE).astype(np.int64))]
    vectors = used.values[sample].astype(np.float64)
    own = used.ids[sample].tolist()
    k = min(asked.k, len(rows) - 1)
    if k < 1:
        return 1.0
    exact = search_exact([used], vectors, k + 1, asked.metric)
    truth = [each.ids[each.ids != me][:k] for each, me in zip(exact, own, strict=True)]
    narrowed = Asked(vectors, k, asked.metric)
    found = _find(index, matrix, used, vectors, narrowed, own)
    return recall(truth, [each.ids for each in found])


def _find(
    index: ApproximateIndex,
    matrix: FeatureMatrix,
    used: Vectors,
    vectors: NDArray[np.float64],
    asked: Asked,
    skip: list[int | None],
) -> list[Nearest]:
    """What the index gives, measured in float64; asked again where others may be as near."""
    answers = [NOTHING] * len(vectors)
    unsure, wanted = np.arange(len(vectors)), asked.k + MORE
    while len(unsure):
        if wanted >= max(FAR, asked.k + MORE + 1):
            return _settled(used, vectors, asked, skip, answers, unsure.tolist())
        open_ = []
        for at, rows in zip(unsure.tolist(), index.search(vectors[unsure], wanted), strict=True):
            counts = matrix.rows_of(used.ids[rows]) == rows
            counts &= used.ids[rows] != (skip[at] or 0)
            if asked.metric is Metric.COSINE:
                counts &= used.norms[rows] > 0
            near = rows[counts]
            apart = distances(used.values[near], vectors[at], asked.metric)
            answers[at] = nearest(apart, used.ids[near], asked.k)
            # Where the last one is as far as all that the index gave, others may be as near.
            cut = len(rows) < len(used.ids) and not apart.max(initial=-np.inf) > (
                answers[at].distances[-1] if len(answers[at].ids) == asked.k else np.inf
            )
            if cut:
                open_.append(at)
        unsure, wanted = np.asarray(open_, np.int64), wanted * 4
    return answers


def _settled(
    used: Vectors,
    vectors: NDArray[np.float64],
    asked: Asked,
    skip: list[int | None],
    answers: list[Nearest],
    unsure: list[int],
) -> list[Nearest]:
    """The answers, those exact that the index could not tell: very many are equally far."""
    for at in unsure:
        own = skip[at]
        source = used if own is None else used.without(np.asarray([own]))
        (answers[at],) = search_exact([source], vectors[at : at + 1], asked.k, asked.metric)
    return answers


def _told(
    view: View,
    scope: Scope,
    asked: Asked,
    found: list[Nearest],
    *,
    counted: tuple[int, int],
    measured: float | None,
) -> list[SimilarResult]:
    """The answers with what is known of the images; one deleted meanwhile is left out."""
    everyone = np.unique(np.concatenate([each.ids for each in found]))
    facts = queries.facts_of(view, everyone)
    if scope.frozen is not None:
        facts = scope.frozen.facts(everyone, facts)
    return [
        SimilarResult(
            items=tuple(
                SimilarImage(image, distance, fact.path, fact.specimen_id, fact.label)
                for image, distance in zip(each.ids.tolist(), each.distances.tolist(), strict=True)
                if (fact := facts.get(image)) is not None
            ),
            feature_type=scope.chosen.feature_type,
            extractor_version=scope.chosen.extractor_version,
            metric=asked.metric.value,
            searched=counted[0],
            no_direction=counted[1],
            exact=measured is None,
            recall=measured,
            data_version=None if scope.frozen is None else scope.frozen.record.version,
        )
        for each in found
    ]
