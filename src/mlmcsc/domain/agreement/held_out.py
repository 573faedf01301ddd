"""Predictions that may be held against people: of images that the model was not trained on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from mlmcsc.domain.agreement.report import ModelBasis
from mlmcsc.domain.agreement.study import Floats, Ids, ModelAnswers, looked_up

UNKNOWN: Final = (
    "not known what it was trained on: it may have been scored on images that it was trained on"
)


def held_out(
    answers: ModelAnswers, trained: Mapping[int, Ids | None], images: Ids, fewest: int
) -> tuple[dict[str, Floats], tuple[ModelBasis, ...]]:
    """Predictions of every model version for images that it has not been trained on.

    Args:
        answers: Predictions of the versions.
        trained: By id of a version the images that it was trained on, ascending; None where that
            is not known, and then nothing is left out.
        images: Those that are compared, ascending, int64, shape `(n,)`.
        fewest: A version with fewer predictions is not scored.

    Returns:
        Of each version that is scored its predictions, float64 of shape `(n,)`, NaN where there is
        none; and of every version that predicted any of the images, what it is scored on.
    """
    scored: dict[str, Floats] = {}
    told = []
    for model in np.unique(answers.models).tolist():
        of = answers.models == model
        order = np.argsort(answers.images[of])
        values = looked_up(images, answers.images[of][order], answers.values[of][order])
        seen = trained.get(model)
        own = np.zeros(len(images), bool) if seen is None else np.isin(images, seen)
        left_out = int((own & ~np.isnan(values)).sum())
        values = np.where(own, np.nan, values)
        n, name = int((~np.isnan(values)).sum()), answers.names[model]
        if not n and not left_out:
            continue
        note = UNKNOWN if seen is None else None
        if n < fewest:
            note = f"needs {fewest} images that it was not trained on; there are {n}"
        else:
            scored[name] = values
        told.append(ModelBasis(name, seen is not None, left_out, n, n >= fewest, note))
    return scored, tuple(told)
