"""How well people agree with one another, and models with them on the same terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from mlmcsc.domain.agreement.arrays import (
    Floats,
    Indices,
    Mask,
    Name,
    at_least,
    check_confidence,
    floats,
    some,
)
from mlmcsc.domain.agreement.plain import Result
from mlmcsc.domain.agreement.resampling import (
    by_cluster,
    check_resamples,
    cluster_numbers,
    percentiles,
    resampled,
)
from mlmcsc.errors import ValidationError

COLUMNS = 8
"""Sums of an item: pairs, |e|, e², value, value², reference, reference², value times reference."""


@dataclass(frozen=True, slots=True)
class Estimate(Result):
    """A number and its bootstrap interval; None where it does not exist or was not asked for."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Score(Result):
    """Values against the mean of the other raters of the same item.

    Attributes:
        name: Of the rater or model; `humans` for all of them together.
        n: Pairs of a value and a mean of others.
        items: Items these are of.
        mae: Mean absolute error.
        rmse: Root of the mean squared error.
        r: Pearson's correlation.
        concordance: Lin's concordance correlation (1989): as r, but lowered by bias and scale,
            for two series nearly the intraclass correlation of absolute agreement.
    """

    name: Name
    n: int
    items: int
    mae: Estimate
    rmse: Estimate
    r: Estimate
    concordance: Estimate


@dataclass(frozen=True, slots=True)
class ModelScore(Result):
    """A model as one more rater, beside people on the very same pairs.

    Attributes:
        model: Its score.
        humans: Of people, on the items that the model predicted.
        mae_difference: Model minus humans, paired: below 0 the model is nearer to the others.
        rmse_difference: The same of the RMSE.
        verdict: better, worse or undecided, judged on the interval of `mae_difference`.
    """

    model: Score
    humans: Score
    mae_difference: Estimate
    rmse_difference: Estimate
    verdict: str


@dataclass(frozen=True, slots=True)
class Ceiling(Result):
    """The human noise ceiling and the models beside it.

    Attributes:
        humans: All raters together: the ceiling, with intervals.
        raters: Each rater, without intervals.
        models: Each model.
        confidence: Level of the intervals.
        resamples: Of the bootstrap over items.
        seed: Of its random numbers.
    """

    humans: Score
    raters: tuple[Score, ...]
    models: tuple[ModelScore, ...]
    confidence: float
    resamples: int
    seed: int


def noise_ceiling(
    ratings: ArrayLike,
    models: Mapping[str, ArrayLike],
    raters: Sequence[Name] | None = None,
    confidence: float = 0.95,
    resamples: int = 2_000,
    seed: int = 0,
    clusters: ArrayLike | None = None,
) -> Ceiling:
    """Score each human, and each model as one more, against the mean of the other humans.

    A model is compared with exactly the means that each human is compared with (the rater left
    out is left out for the model too): a mean of fewer people is noisier, and that must not
    count for or against the model. Intervals: percentile bootstrap over items.

    Args:
        ratings: Blind ratings, shape `(n, k)`, NaN for a missing one.
        models: Predictions of each model, shape `(n,)`, NaN for a missing one.
        raters: Ids of the k raters; 0 to k - 1 by default.
        confidence: Level of the intervals, above 0 and below 1.
        resamples: Bootstrap samples, 100 to 1,000,000.
        seed: Of the random numbers.
        clusters: Id of each item's cluster (the specimen of an image), shape `(n,)`: these are
            drawn instead; without, items are taken as independent.

    Raises:
        ValidationError: Fewer than two items rated by two raters, or shapes that differ.
    """
    level = check_confidence(confidence)
    check_resamples(resamples)
    table = floats(ratings, "ratings", dimensions=2, missing=True)
    names = list(range(table.shape[1])) if raters is None else list(raters)
    if len(names) != table.shape[1]:
        raise ValidationError(f"{len(names)} raters for {table.shape[1]} columns of ratings.")
    middle = float(np.nanmean(table)) if np.isfinite(table).any() else 0.0
    centred = table - middle
    others = _others(centred)
    at_least(int((~np.isnan(others)).any(axis=1).sum()), 2, "items rated by two raters or more")
    sampling = _Sampling(level, resamples, seed, cluster_numbers(clusters, len(table)))
    return Ceiling(
        humans=sampling.score("humans", _sums(centred, others)),
        raters=tuple(
            _score(names[at], _sums(centred[:, [at]], others[:, [at]])) for at in range(len(names))
        ),
        models=tuple(
            _model(name, of - middle, centred, others, sampling)
            for name, of in _predictions(models, len(table)).items()
        ),
        confidence=level, resamples=resamples, seed=seed,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Sampling:
    level: float
    resamples: int
    seed: int
    clusters: Indices | None

    def of(self, items: Mask) -> _Sampling:
        """The same of these items only."""
        return self if self.clusters is None else replace(self, clusters=self.clusters[items])

    def drawn(self, sums: Floats, statistic: Callable[[Floats], Floats]) -> Floats:
        groups = by_cluster(sums, self.clusters)
        return resampled(groups, statistic, resamples=self.resamples, seed=self.seed)

    def score(self, name: Name, sums: Floats) -> Score:
        drawn = self.drawn(sums, _statistics)
        return _score(name, sums, [percentiles(each, self.level) for each in drawn.T])

    def differences(self, sums: Floats) -> tuple[Estimate, Estimate]:
        """Of MAE and of RMSE between the first and the last eight columns."""
        found = _difference(sums.sum(axis=0)[None, :])[0]
        drawn = self.drawn(sums, _difference)
        ends = [percentiles(each, self.level) for each in drawn.T]
        of_mae, of_rmse = (
            Estimate(float(at), *ranges) for at, ranges in zip(found, ends, strict=True)
        )
        return of_mae, of_rmse


def _predictions(models: Mapping[str, ArrayLike], n: int) -> dict[str, Floats]:
    if not isinstance(models, Mapping):
        raise ValidationError(
            f"models={models!r}: must be predictions by name, as {{'cnn': [...]}}."
        )
    found = {}
    for name, given in models.items():
        found[name] = floats(given, f"models[{name!r}]", dimensions=1, missing=True)
        if len(found[name]) != n:
            raise ValidationError(
                f"models[{name!r}]: {len(found[name])} predictions for {n} items of the ratings."
            )
    return found


def _model(
    name: str, prediction: Floats, table: Floats, others: Floats, sampling: _Sampling
) -> ModelScore:
    """Score of a model, and of people on the items it predicted."""
    predicted = ~np.isnan(prediction)
    kept = others[predicted]
    paired = int((~np.isnan(kept)).any(axis=1).sum())
    at_least(paired, 2, f"items that model {name} predicted and two raters rated")
    as_rater = np.broadcast_to(prediction[predicted, None], kept.shape)
    of_model, of_humans = _sums(as_rater, kept), _sums(table[predicted], kept)
    sampling = sampling.of(predicted)
    mae, rmse = sampling.differences(np.hstack([of_model, of_humans]))
    return ModelScore(
        model=sampling.score(name, of_model),
        humans=sampling.score("humans", of_humans),
        mae_difference=mae,
        rmse_difference=rmse,
        verdict=_verdict(mae),
    )


def _others(table: Floats) -> Floats:
    """The mean of the item's other raters beside each rating; NaN where there is none."""
    known = ~np.isnan(table)
    filled = np.where(known, table, 0.0)
    rest = known.sum(axis=1, keepdims=True) - 1
    total = filled.sum(axis=1, keepdims=True) - filled
    result: Floats = np.where(known & (rest > 0), total / np.maximum(rest, 1), np.nan)
    return result


def _sums(values: Floats, others: Floats) -> Floats:
    """The eight sums of each item, shape `(n, 8)`."""
    known = ~np.isnan(others)
    a, m = np.where(known, values, 0.0), np.where(known, others, 0.0)
    off = a - m
    parts = (known, np.abs(off), off**2, a, a**2, m, m**2, a * m)
    return np.stack([each.sum(axis=1) for each in parts], axis=1).astype(np.float64)


def _statistics(sums: Floats) -> Floats:
    """MAE, RMSE, r and concordance of sums of shape `(B, 8)`: shape `(B, 4)`."""
    n, absolute, squared, a, aa, m, mm, am = sums.T
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_a, mean_m = a / n, m / n
        var_a, var_m = np.maximum(aa / n - mean_a**2, 0), np.maximum(mm / n - mean_m**2, 0)
        cov = am / n - mean_a * mean_m
        apart = var_a + var_m + (mean_a - mean_m) ** 2
        r, concordance = cov / np.sqrt(var_a * var_m), 2 * cov / apart
        found = [absolute / n, np.sqrt(squared / n), r, concordance]
    return np.stack(found, axis=1)


def _difference(sums: Floats) -> Floats:
    one, two = _statistics(sums[:, :COLUMNS]), _statistics(sums[:, COLUMNS:])
    result: Floats = (one - two)[:, :2]
    return result


def _score(name: Name, sums: Floats, intervals: list[tuple[float, float]] | None = None) -> Score:
    with np.errstate(invalid="ignore"):
        found = _statistics(sums.sum(axis=0)[None, :])[0]
    ends = intervals or [(float("nan"), float("nan"))] * len(found)
    mae, rmse, r, concordance = (
        Estimate(some(at), some(low), some(high))
        for at, (low, high) in zip(found, ends, strict=True)
    )
    return Score(
        name=name, n=int(sums[:, 0].sum()), items=int((sums[:, 0] > 0).sum()),
        mae=mae, rmse=rmse, r=r, concordance=concordance,
    )  # fmt: skip


def _verdict(difference: Estimate) -> str:
    if difference.high is not None and difference.high < 0:
        return "better"
    return "worse" if difference.low is not None and difference.low > 0 else "undecided"
