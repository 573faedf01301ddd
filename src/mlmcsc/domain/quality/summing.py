"""From the rows of some images to their sums."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.quality.references import CONSENSUS, MANUAL, last_of_runs, matched
from mlmcsc.domain.quality.rows import UNKNOWN, Rows, Stretch
from mlmcsc.domain.quality.sums import (
    FRACTIONS,
    KEPT,
    MANY,
    RESIDUALS,
    Case,
    Key,
    Sums,
    Table,
    largest,
)
from mlmcsc.domain.quality.trained import NOTHING_KNOWN, Trained

TOLERANCE: Final = 0.05
"""Share of the label range within which an answer counts as right, for the reliability curve."""
DISAGREEING: Final = 0.1
"""Share of the label range beyond which two people's labels of an image disagree."""
BINS: Final = 10
"""Bins of confidence in the reliability curve."""
EDGE: Final = 1e-9
"""Added before rounding down, so that 0.57 is in the step that begins at 0.57."""

Values = NDArray[np.float64]


def sums_of(
    rows: Stretch, label_range: tuple[float, float], trained: Trained = NOTHING_KNOWN
) -> Sums:
    """Sum up an ordered stretch of images."""
    width = label_range[1] - label_range[0]
    sums = Sums()
    _images(sums, rows)
    _verification(sums, rows.labels)
    _spreads(sums, rows.labels, width)
    _accuracy(sums, rows, width, trained)
    sums.confidences = steps(rows.predictions["confidence"], FRACTIONS)
    return sums


def steps(fractions: Values, count: int) -> NDArray[np.int64]:
    """Histogram of values in [0, 1] in `count` equal steps, and one for 1 itself."""
    at = np.clip(np.floor(fractions * count + EDGE), 0, count).astype(np.int64)
    return np.bincount(at, minlength=count + 1)


def _images(sums: Sums, rows: Stretch) -> None:
    images = rows.images
    known = images["score"][images["score"] != UNKNOWN]
    sums.counts |= {
        "images": len(images),
        "invalid": int((images["valid"] == 0).sum()),
        "scored": len(known),
        "labels": len(rows.labels),
        "verified": int(rows.labels["verified"].sum()),
        "restricted_labels": len(rows.restricted),
        "predictions": len(rows.predictions),
        "consensus": int((rows.labels["type"] == CONSENSUS).sum()),
        # Also labels that may not be used are labels: `images list --unlabelled` says the same.
        "unlabelled": len(np.setdiff1d(images["id"], _labelled(rows))),
        **{n: int(images[n].sum()) for n in ("specimen", "magnification", "pixel_size")},
    }
    sums.moments = np.array([known.sum(), (known * known).sum()])
    sums.scores = steps(known, FRACTIONS)
    alone = rows.labels["type"] != CONSENSUS  # a consensus is nobody's label
    sums.labelled = _per_image(images["id"], rows.labels["image"][alone])
    sums.predicted = _per_image(images["id"], rows.predictions["image"])
    scored = images[images["score"] != UNKNOWN]
    sums.lowest = _extremes(-scored["score"], scored["id"], scored["id"])


def _labelled(rows: Stretch) -> NDArray[np.int64]:
    return np.union1d(rows.labels["image"], rows.restricted)


def _per_image(ids: NDArray[np.int64], images: NDArray[np.int64]) -> NDArray[np.int64]:
    counts = np.searchsorted(images, ids, "right") - np.searchsorted(images, ids, "left")
    return np.bincount(np.minimum(counts, MANY), minlength=MANY + 1)


def _verification(sums: Sums, labels: Rows) -> None:
    values = np.stack([np.ones(len(labels)), labels["verified"].astype(float)], axis=1)
    sums.verification = _table((labels["type"], labels["month"]), values)


def _spreads(sums: Sums, labels: Rows, width: float) -> None:
    """How far apart the last labels of people lie who saw no prediction, image by image."""
    human = labels[(labels["type"] == MANUAL) & (labels["assisted"] == 0)]
    order = np.lexsort((human["id"], human["technician"], human["image"]))
    image, who = human["image"][order], human["technician"][order]
    latest = last_of_runs((image, who))
    image, value = image[latest], human["value"][order][latest]
    if not len(image):
        return
    starts = np.append(0, last_of_runs((image,))[:-1] + 1)
    spread = np.maximum.reduceat(value, starts) - np.minimum.reduceat(value, starts)
    apart = spread > 0
    sums.counts["disagreeing"] = int((spread > DISAGREEING * width + EDGE).sum())
    sums.spreads = _extremes(spread[apart], image[starts][apart], image[starts][apart])


def _accuracy(sums: Sums, rows: Stretch, width: float, trained: Trained) -> None:
    """The last answer of each model for each image, against the image's reference."""
    given, labels, basis = matched(rows.predictions, rows.labels)
    if not len(given):
        return
    truth = labels["value"]
    split = trained.splits(given["model"], given["image"])
    error = given["value"] - truth
    size = np.abs(error)
    ones = np.ones(len(error))
    moments = np.stack([ones, error, size, error**2, truth, truth**2], axis=1)
    sums.accuracy = _table((given["model"], given["month"], basis, split), moments)
    sums.residuals = steps(size / width, RESIDUALS)
    sums.outliers = _extremes(size, given["id"], given["image"])
    near = (size <= TOLERANCE * width + EDGE).astype(float)
    bins = np.minimum(np.floor(given["confidence"] * BINS + EDGE), BINS - 1).astype(np.int64)
    trust = np.stack([ones, given["confidence"], near], axis=1)
    sums.calibration = _table((given["model"], basis, bins, split), trust)


def _table(keys: tuple[NDArray[np.int64], ...], values: Values) -> Table:
    """Sums of values by key."""
    if not len(values):
        return {}
    order = np.lexsort(keys[::-1])
    ordered = tuple(key[order] for key in keys)
    ends = last_of_runs(ordered)
    starts = np.append(0, ends[:-1] + 1)
    totals = np.add.reduceat(values[order], starts, axis=0)
    names: list[Key] = list(zip(*(key[ends].tolist() for key in ordered), strict=True))
    return dict(zip(names, totals, strict=True))


def _extremes(sizes: Values, ids: NDArray[np.int64], images: NDArray[np.int64]) -> list[Case]:
    order = np.lexsort((ids, -sizes))[:KEPT]
    return largest(
        zip(sizes[order].tolist(), ids[order].tolist(), images[order].tolist(), strict=True)
    )
