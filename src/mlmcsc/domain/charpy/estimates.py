"""Parameters of a transition curve and the curve itself, with their confidence limits."""

from __future__ import annotations

from typing import Final

import numpy as np

from mlmcsc.domain.charpy import tanh_model
from mlmcsc.domain.charpy.fitted import BandPoint, Estimate
from mlmcsc.domain.charpy.quantities import Quantity
from mlmcsc.domain.charpy.tanh_model import Array, Problem
from mlmcsc.domain.charpy.uncertainty import Uncertainty

BAND_POINTS: Final = 81


def estimates_of(
    problem: Problem, known: Uncertainty, quantity: Quantity, *, limits: bool
) -> tuple[Estimate, ...]:
    """The four parameters, with limits if wanted.

    The interval of C is symmetric in its logarithm, as C is above 0; those of the shelves end
    where the quantity does.
    """
    low, high = known.interval(lambda parameters: parameters, np.eye(4))
    if known.draws is None:
        c = known.estimate[3]
        factor = np.exp(known.half_widths(np.eye(4))[3] / c)
        low[3], high[3] = c / factor, c * factor
    for limit in (low, high):
        limit[:2] = np.clip(limit[:2], quantity.lowest, quantity.highest)
    return tuple(
        Estimate(
            name,
            float(known.estimate[at]),
            float(low[at]) if free and limits else None,
            float(high[at]) if free and limits else None,
            fixed=bool(not free),
        )
        for at, (name, free) in enumerate(zip(tanh_model.NAMES, problem.free, strict=True))
    )


def band_of(
    problem: Problem, known: Uncertainty, quantity: Quantity, *, limits: bool
) -> tuple[BandPoint, ...]:
    """The curve over the tested range, with pointwise limits if wanted."""
    t = np.linspace(problem.temperatures.min(), problem.temperatures.max(), BAND_POINTS)
    middle: Array = tanh_model.curve(t, known.estimate)
    if not limits:
        return tuple(
            BandPoint(*row, None, None) for row in zip(t.tolist(), middle.tolist(), strict=True)
        )
    slope = tanh_model.gradient(t, known.estimate)
    low, high = known.interval(lambda parameters: tanh_model.curve(t, parameters), slope)
    # No energy is below 0 and no SFA above 100, whatever a symmetric interval says.
    low, high = (np.clip(limit, quantity.lowest, quantity.highest) for limit in (low, high))
    columns = (t.tolist(), middle.tolist(), low.tolist(), high.tolist())
    return tuple(BandPoint(*row) for row in zip(*columns, strict=True))
