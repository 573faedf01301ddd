"""How good images, labels, people and models are."""

from __future__ import annotations

from mlmcsc.bootstrap.wiring.learning import LearningServices


class QualityServices(LearningServices):
    """The services of quality."""
