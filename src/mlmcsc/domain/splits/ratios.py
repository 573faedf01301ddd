"""The three splits and their shares."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from mlmcsc.errors import ValidationError

SUM_TOLERANCE: Final = 1e-9
"""How far the shares may sum from 1, to forgive binary fractions such as 0.7 + 0.15 + 0.15."""

CIRCLE: Final = 10**12
"""Positions on the unit circle. A decimal integer, so that shares such as 0.15 are exact."""


class Split(IntEnum):
    """The part of the training data that an image belongs to."""

    TRAIN = 0
    VAL = 1
    TEST = 2


@dataclass(frozen=True, slots=True)
class SplitRatios:
    """The share of the units that each split receives.

    Attributes:
        train: Share to fit on, in [0, 1].
        val: Share to choose between models by, in [0, 1].
        test: Share to report on, in [0, 1].

    Raises:
        ValidationError: When a share is not a finite number in [0, 1], or the three do not sum to 1
            within 1e-9.
    """

    train: float
    val: float
    test: float

    def __post_init__(self) -> None:
        shares = {"train": self.train, "val": self.val, "test": self.test}
        for name, share in shares.items():
            if isinstance(share, bool) or not isinstance(share, int | float):
                raise ValidationError(
                    f"{name}_split must be a number from 0 to 1, not {share!r}; "
                    "pass a share such as 0.15."
                )
            if not (math.isfinite(share) and 0 <= share <= 1):
                raise ValidationError(
                    f"{name}_split={share} is outside 0 to 1; pass a share such as 0.15."
                )
        total = math.fsum(shares.values())
        if abs(total - 1) > SUM_TOLERANCE:
            given = " + ".join(f"{name} {share:g}" for name, share in shares.items())
            raise ValidationError(
                f"The splits must sum to 1, but {given} = {total:.10g}; {self._repair(total)}."
            )

    def _repair(self, total: float) -> str:
        if total == 0:
            return "pass for example 0.7, 0.15 and 0.15"
        scaled = ", ".join(f"{share / total:.10g}" for share in (self.train, self.val, self.test))
        rest = 1 - self.val - self.test
        if rest < 0:
            return f"scale them to {scaled}"
        return f"set train_split={rest:.10g}, or scale them to {scaled}"

    @property
    def cuts(self) -> tuple[int, int]:
        """Where val and test begin on a circle of `CIRCLE` positions that starts with train.

        Divided by the very sum of the shares, so that a share of 0 is an empty arc, exactly.
        """
        fitted = self.train + self.val
        total = fitted + self.test
        return round(self.train / total * CIRCLE), round(fitted / total * CIRCLE)
