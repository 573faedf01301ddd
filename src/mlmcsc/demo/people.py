"""Pretend technicians, each with a bias and a scatter of their own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlmcsc.errors import ValidationError

HARDEST = 5


@dataclass(frozen=True)
class Scoring:
    """What one technician says about one image.

    Attributes:
        label: shear fraction in [0, 1].
        seconds: time spent.
        difficulty: 1 easy to 5 hard, as felt.
    """

    label: float
    seconds: float
    difficulty: int


@dataclass(frozen=True)
class Technician:
    """A person who estimates shear fractions.

    Attributes:
        technician_id: such as `tech_001`.
        name: invented.
        experience_level: `expert`, `intermediate` or `novice`.
        bias: mean error, as a share of the ligament; above 0 sees too much shear.
        scatter: standard deviation of the error at 50 % shear.
        seconds_per_label: usual time for one image.
        anchoring: 0 ignores a prediction that is shown, 1 copies it.
        reading_step: labels are read off in multiples of this.
    """

    technician_id: str
    name: str
    experience_level: str
    bias: float
    scatter: float
    seconds_per_label: float
    anchoring: float = 0.2
    reading_step: float = 0.01

    def score(
        self, rng: np.random.Generator, truth: float, shown_prediction: float | None = None
    ) -> Scoring:
        """Estimate one image.

        Bias and scatter shrink to a quarter at 0 and 100 % shear, where nobody errs much.

        Args:
            rng: source of randomness.
            truth: real shear fraction in [0, 1].
            shown_prediction: a model's value on the screen, which draws the estimate towards it.

        Raises:
            ValidationError: `truth` or `shown_prediction` outside [0, 1].
        """
        for name, value in (("truth", truth), ("shown_prediction", shown_prediction)):
            if value is not None and not 0 <= value <= 1:
                raise ValidationError(f"{name} is {value}; give a fraction in [0, 1]")
        doubt = 0.25 + 3 * truth * (1 - truth)
        estimate = truth + doubt * (self.bias + rng.normal(0, self.scatter))
        if shown_prediction is not None:
            estimate += self.anchoring * (shown_prediction - estimate)
        label = round(estimate / self.reading_step) * self.reading_step
        felt = 1 + 3 * (doubt - 0.25) / 0.75 + rng.normal(0, 0.6)
        difficulty = int(np.clip(round(felt), 1, HARDEST))
        # Times are skewed: most images go quickly, a few take long.
        seconds = self.seconds_per_label * (0.6 + 0.16 * difficulty) * rng.lognormal(0, 0.25)
        return Scoring(round(float(np.clip(label, 0, 1)), 6), round(float(seconds), 1), difficulty)


CREW = (
    Technician("tech_001", "Ada Brandt", "expert", 0.005, 0.02, 28.0, anchoring=0.1),
    Technician("tech_002", "Jonas Meyer", "expert", -0.02, 0.025, 24.0),
    Technician("tech_003", "Lena Okafor", "intermediate", 0.04, 0.035, 33.0),
    Technician(
        *("tech_004", "Piotr Nowak", "novice", -0.05, 0.06, 41.0),
        anchoring=0.5,
        reading_step=0.05,
    ),
)
"""The demo's laboratory."""
