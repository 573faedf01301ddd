"""Candidates of a strategy, best first, in lots."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.label_queue import Strategy
from mlmcsc.domain.label_queue.spreading import farthest
from mlmcsc.errors import UnknownRecordError, ValidationError
from mlmcsc.store.models import labels, predictions
from mlmcsc.store.queries import features as feature_queries
from mlmcsc.store.queries.label_queue import drawing, predicted
from mlmcsc.store.queries.label_queue.candidates import Asking, free_new
from mlmcsc.store.queries.rows import View

VectorsOf = Callable[[NDArray[np.int64], str], NDArray[np.float32]]
"""Gives the vectors of images, shape `(N, D)`, NaN for an image that has none."""
CANDIDATES = 4_096
"""Unlabelled images, drawn at random, among which the farthest ones are sought."""
KNOWN = 2_048
"""Labelled images, drawn at random, from which they are to be far."""
SPARE = 64
"""Ranked beyond those wanted, as others may take some meanwhile."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request, checked.

    Attributes:
        strategy: How images are chosen.
        count: How many at most.
        feature_type: Kind of feature, for diversity.
        raters: How many people are to label an image, for overlap.
        seed: Of random choices.
    """

    strategy: Strategy
    count: int
    feature_type: str | None
    raters: int
    seed: int


def ranked(
    view: View, asking: Asking, wanted: Wanted, model: int | None, vectors_of: VectorsOf
) -> Iterator[list[int]]:
    """The strategy's candidates, best first.

    Raises:
        ValidationError: There is nothing that the strategy could rank by.
        UnknownRecordError: No such features.
    """
    rng = np.random.default_rng([wanted.seed, 1])
    match wanted.strategy:
        case Strategy.RANDOM:
            return drawing.at_random(view, asking, rng)
        case Strategy.OVERLAP:
            return drawing.for_overlap(view, asking, wanted.raters, rng)
        case Strategy.DIVERSITY:
            return iter([_diverse(view, asking, wanted, vectors_of, rng)])
    if model is None:
        raise ValidationError(
            f"strategy={wanted.strategy.value!r}: there are no predictions to rank images by. "
            "Store some, or use the strategy random or diversity."
        )
    if wanted.strategy is Strategy.UNCERTAINTY:
        return predicted.least_confident(view, asking, model, wanted.count + SPARE, rng)
    return predicted.most_disputed(view, asking, model, rng)


def _diverse(
    view: View, asking: Asking, wanted: Wanted, vectors_of: VectorsOf, rng: np.random.Generator
) -> list[int]:
    kind = wanted.feature_type or _only_kind(view)
    chosen = feature_queries.choose(view, kind, None)
    drawn = drawing.unlabelled_with(view, chosen, CANDIDATES, rng)
    new = np.asarray(free_new(view, asking, drawn.tolist(), labelled=False), dtype=np.int64)
    known = drawing.labelled_with(view, chosen, KNOWN, rng)
    vectors = vectors_of(np.concatenate([new, known]), kind)
    if not vectors.size:
        return []
    whole = np.isfinite(np.linalg.norm(vectors, axis=1))
    at = np.flatnonzero(whole[: len(new)])
    old = vectors[len(new) :][whole[len(new) :]]
    picked = farthest(vectors[at], old, wanted.count + SPARE)
    return [int(image) for image in new[at[picked]]]


def is_partial(view: View, wanted: Wanted) -> bool:
    """Whether a strategy that ended may have left images behind."""
    match wanted.strategy:
        case Strategy.OVERLAP:
            return drawing.is_long(view, labels)
        case Strategy.DISAGREEMENT:
            return drawing.is_long(view, labels) or drawing.is_long(view, predictions)
        case Strategy.DIVERSITY:
            return True
    return False


def _only_kind(view: View) -> str:
    kinds = sorted({each.feature_type for each in feature_queries.sets(view)})
    if len(kinds) == 1:
        return kinds[0]
    if not kinds:
        raise UnknownRecordError(
            "strategy='diversity': no features are stored. Extract some, or use another strategy."
        )
    raise ValidationError(
        f"strategy='diversity': several kinds of features are stored: {', '.join(kinds)}. Say "
        "which with feature_type."
    )
