"""What may be asked of a transition curve."""

from __future__ import annotations

from typing import TypedDict

from mlmcsc.domain.charpy.tanh_model import Shelves


class CurveOptions(TypedDict, total=False):
    """Keywords of `fit` that a report passes on."""

    shelves: Shelves | None
    robust: bool
    confidence: float
    samples: int
    seed: int
