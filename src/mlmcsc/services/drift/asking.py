"""How a comparison is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlmcsc.domain.drift.adjusting import Adjustment
from mlmcsc.errors import ValidationError


@dataclass(frozen=True, slots=True)
class Asking:
    """How a comparison is made.

    Attributes:
        features: Feature type; None: the only one stored.
        extractor_version: Of which extractor; None: the only one stored.
        alpha: Share of alarms that may be false.
        adjustment: How p-values of many channels are adjusted.
        seed: Of subsamples, permutations and the bootstrap.
    """

    features: str | None = None
    extractor_version: str | None = None
    alpha: float = 0.05
    adjustment: str = Adjustment.BENJAMINI_HOCHBERG
    seed: int = 0

    def checked(self) -> Adjustment:
        """Refuse what makes no sense.

        Raises:
            ValidationError: Naming the value and the limit.
        """
        for name in ("features", "extractor_version"):
            given = getattr(self, name)
            if given is not None and not (isinstance(given, str) and given):
                raise ValidationError(f"{name}={given!r}: must be a name; leave it out for any.")
        alpha: Any = self.alpha
        if not isinstance(alpha, int | float) or not 0 < alpha < 1:
            raise ValidationError(f"alpha={self.alpha!r}: must be between 0 and 1, such as 0.05.")
        if self.adjustment not in list(Adjustment):
            raise ValidationError(
                f"adjustment={self.adjustment!r}: must be one of {', '.join(Adjustment)}."
            )
        if type(self.seed) is not int or self.seed < 0:
            raise ValidationError(f"seed={self.seed!r}: must be a whole number from 0.")
        return Adjustment(self.adjustment)
