"""What a comparison of two periods found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mlmcsc.domain.drift.adjusting import Adjustment, adjusted
from mlmcsc.domain.drift.attribution import Attribution
from mlmcsc.domain.drift.channels import Channel


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two that are compared.

    Attributes:
        name: The period, or the version.
        images: Images in it.
        predictions: Predictions.
        labels: Labels that were used.
        restricted: Labels left out, as the processing of their maker's data is restricted.
    """

    name: str
    images: int
    predictions: int
    labels: int
    restricted: int


@dataclass(frozen=True, slots=True)
class DriftReport:
    """Two periods or versions compared.

    Attributes:
        reference: What counts as normal.
        current: What is compared with it.
        alpha: False discovery rate over all channels.
        adjustment: How p-values were adjusted.
        seed: Of subsamples, permutations and the bootstrap.
        channels: All of them, drifted ones first, by effect; those not tested last.
        attributions: Why labels and predictions moved.
        notes: What else a reader must know.
    """

    reference: Side
    current: Side
    alpha: float
    adjustment: Adjustment
    seed: int
    channels: tuple[Channel, ...]
    attributions: tuple[Attribution, ...]
    notes: tuple[str, ...]

    @property
    def drifted(self) -> tuple[Channel, ...]:
        """The channels that drifted, largest effect first."""
        return tuple(each for each in self.channels if each.drifted)

    @property
    def tested(self) -> int:
        """How many channels were tested."""
        return sum(each.p is not None for each in self.channels)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "drift": bool(self.drifted),
            "drifted": [f"{each.group}: {each.channel}" for each in self.drifted],
            "reference": asdict(self.reference),
            "current": asdict(self.current),
            "alpha": self.alpha,
            "adjustment": self.adjustment.value,
            "seed": self.seed,
            "tested": self.tested,
            "channels": [each.to_dict() for each in self.channels],
            "attributions": [each.to_dict() for each in self.attributions],
            "notes": list(self.notes),
        }


def judged(
    channels: Sequence[Channel], alpha: float, adjustment: Adjustment
) -> tuple[Channel, ...]:
    """Adjust all p-values at once, judge each channel, and put the largest effect first."""
    tested = [each for each in channels if each.p is not None]
    p_values = np.asarray([each.p for each in tested], dtype=np.float64)
    raised = adjusted(p_values, adjustment).tolist()
    found = [each.judged(p, alpha) for each, p in zip(tested, raised, strict=True)]
    found.sort(key=lambda each: (not each.drifted, -(each.effect or 0.0)))
    return (*found, *(each for each in channels if each.p is None))
