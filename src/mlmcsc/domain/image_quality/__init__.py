"""How good a picture is: what is measured, and the number made of it."""

from __future__ import annotations

from mlmcsc.domain.image_quality.components import Components
from mlmcsc.domain.image_quality.formula import FORMULA, score
from mlmcsc.domain.image_quality.results import (
    Measurement,
    Problem,
    ScoreRecord,
    ScoreUpdate,
)

__all__ = [
    "FORMULA",
    "Components",
    "Measurement",
    "Problem",
    "ScoreRecord",
    "ScoreUpdate",
    "score",
]
