"""From merged sums to what a report says in numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.enums import LabelType
from mlmcsc.domain.quality.accuracy import Accuracy, Coverage, accuracy, calibration
from mlmcsc.domain.quality.report import Figures, ModelAccuracy, Rate, Scores
from mlmcsc.domain.quality.rows import BASES, INDEPENDENT, TYPES
from mlmcsc.domain.quality.summing import BINS, EDGE, TOLERANCE
from mlmcsc.domain.quality.sums import FRACTIONS, MANY, RESIDUALS, Key, Sums, Table
from mlmcsc.domain.quality.trained import SPLITS

QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
SHOWN_BARS: Final = 20
FENCE: Final = 3.0
"""Interquartile ranges beyond the quartile that a value lies when it is far out (Tukey 1977)."""
MONTHS: Final = 12
CONSENSUS: Final = LabelType.CONSENSUS.value


def scores(sums: Sums, threshold: float) -> Scores:
    """The distribution of quality scores."""
    n, (total, squares) = sums.counts["scored"], sums.moments.tolist()
    wide = np.add.reduceat(sums.scores, np.arange(0, FRACTIONS, FRACTIONS // SHOWN_BARS))
    mean = total / n if n else None
    variance = max(squares - total * total / n, 0.0) / (n - 1) if n > 1 else None
    return Scores(
        n,
        mean,
        None if variance is None else math.sqrt(variance),
        {f"{q:.0%}": quantile(sums.scores, q, FRACTIONS) for q in QUANTILES} if n else None,
        tuple(wide.tolist()),
        threshold,
        below(sums.scores, threshold),
    )


def quantile(histogram: NDArray[np.int64], share: float, steps: int) -> float:
    """The lower edge of the step that holds this quantile; exact to 1/steps."""
    cumulated = histogram.cumsum()
    return int(np.searchsorted(cumulated, share * cumulated[-1], "left")) / steps


def below(histogram: NDArray[np.int64], threshold: float) -> int:
    """How many are below a threshold, which is taken to the next thousandth."""
    return int(histogram[: math.ceil(threshold * FRACTIONS - EDGE)].sum())


def completeness(sums: Sums) -> dict[str, float]:
    """Share of the images that have each field, in [0, 1]; nothing without images."""
    n = sums.counts["images"]
    if not n:
        return {}
    known = {
        "specimen_id": sums.counts["specimen"],
        "magnification": sums.counts["magnification"],
        "pixel_size_um": sums.counts["pixel_size"],
        "quality_score": sums.counts["scored"],
        "label": n - sums.counts["unlabelled"],
        "prediction": n - int(sums.predicted[0]),
    }
    return {name: count / n for name, count in known.items()}


def per_image(counts: NDArray[np.int64]) -> dict[str, int]:
    """Images by how many they have."""
    names = [*map(str, range(MANY)), f"{MANY}+"]
    return dict(zip(names, counts.tolist(), strict=True))


def verification(sums: Sums) -> tuple[Rate, dict[str, Rate], dict[str, Rate]]:
    """Of the labels of people, a consensus being nobody's: overall, by type, and by month."""
    of_people = {k: v for k, v in sums.verification.items() if TYPES[k[0]] != CONSENSUS}
    n, verified = np.sum([np.zeros(2), *of_people.values()], axis=0).tolist()
    kinds = _grouped(of_people, lambda key: TYPES[key[0]])
    months = _grouped(of_people, lambda key: month_name(key[1]))
    return Rate(int(n), int(verified)), _rates(kinds), _rates(months)


def _rates(grouped: Mapping[Any, NDArray[np.float64]]) -> dict[str, Rate]:
    return {name: Rate(int(n), int(ok)) for name, (n, ok) in sorted(grouped.items())}


def month_name(month: int) -> str:
    """`YYYY-MM` of 12 · year + month - 1, or `unknown`."""
    if month < MONTHS:
        return "unknown"  # the time is none that could be read
    return f"{month // MONTHS:04d}-{month % MONTHS + 1:02d}"


def models(
    sums: Sums,
    versions: Mapping[int, str],
    coverages: Mapping[tuple[int, str], Coverage],
    width: float,
) -> tuple[ModelAccuracy, ...]:
    """Every model version that has answers with a reference, by id.

    Args:
        sums: Over all images.
        versions: Names of model versions by id.
        coverages: By model version id and name of the split.
        width: Of the label range.
    """
    found = []
    for model in sorted({key[0] for key in sums.accuracy}):
        splits = {}
        for code, name in enumerate(SPLITS):
            errors = {k: v for k, v in sums.accuracy.items() if (k[0], k[3]) == (model, code)}
            trust = {k: v for k, v in sums.calibration.items() if (k[0], k[3]) == (model, code)}
            figures = _figures(errors, trust, coverages.get((model, name)), width)
            if figures is not None:
                splits[name] = figures
        found.append(ModelAccuracy(model, versions.get(model, "?"), splits))
    return tuple(found)


def _figures(
    errors: Table, trust: Table, coverage: Coverage | None, width: float
) -> Figures | None:
    overall = _total(errors.values())
    if overall is None:
        return None
    by_basis = _accuracies(_grouped(errors, lambda key: BASES[key[2]]))
    independent = _total(row for key, row in errors.items() if BASES[key[2]] in INDEPENDENT)
    told = "independent" if independent else "all"
    believed = {k: v for k, v in trust.items() if told == "all" or BASES[k[1]] in INDEPENDENT}
    return Figures(
        overall,
        independent,
        by_basis.get("assisted"),
        by_basis,
        _accuracies(_grouped(errors, lambda key: month_name(key[1]))),
        calibration(_grouped(believed, lambda key: key[2]), BINS, TOLERANCE * width, told),
        coverage,
    )


def _total(rows: Iterable[NDArray[np.float64]]) -> Accuracy | None:
    found = list(rows)
    return accuracy(np.sum(found, axis=0)) if found else None


def _accuracies(grouped: Mapping[Any, NDArray[np.float64]]) -> dict[str, Accuracy]:
    found = {name: accuracy(row) for name, row in sorted(grouped.items())}
    return {name: each for name, each in found.items() if each is not None}


def _grouped(table: Table, name: Callable[[Key], Any]) -> dict[Any, NDArray[np.float64]]:
    found: dict[Any, NDArray[np.float64]] = {}
    for key, row in table.items():
        group = name(key)
        found[group] = found[group] + row if group in found else row
    return found


def far_residuals(sums: Sums, width: float) -> tuple[float, int]:
    """From which residual on an answer lies far out, in the labels' unit, and how many do.

    Three interquartile ranges beyond the upper quartile (Tukey 1977), and never nearer than the
    tolerance: among very good answers a good one is no outlier.
    """
    if not sums.residuals.sum():
        return math.inf, 0
    low, high = (quantile(sums.residuals, q, RESIDUALS) for q in (0.25, 0.75))
    # Quartiles are lower edges of steps, so one step more is the first that is surely beyond.
    step = math.ceil(max(high + FENCE * (high - low), TOLERANCE) * RESIDUALS - EDGE) + 1
    return step / RESIDUALS * width, int(sums.residuals[step:].sum())


def far_scores(sums: Sums) -> tuple[float, int]:
    """Below which score an image lies far out, and how many do."""
    if not sums.counts["scored"]:
        return 0.0, 0
    low, high = (quantile(sums.scores, q, FRACTIONS) for q in (0.25, 0.75))
    # Of thousandths, as the histogram is: any list of images below it has as many.
    fence = round(max(low - FENCE * (high - low), 0.0), 3)
    return fence, below(sums.scores, fence)
