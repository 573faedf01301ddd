"""The demo's plots, each a function from plain records to SVG text."""

from mlmcsc.demo.charts.labels import (
    Judgement,
    SplitLabel,
    labels_by_split,
    technician_differences,
)
from mlmcsc.demo.charts.model import (
    Curve,
    Prediction,
    predicted_against_true,
    transition_curves,
)

__all__ = [
    "Curve",
    "Judgement",
    "Prediction",
    "SplitLabel",
    "labels_by_split",
    "predicted_against_true",
    "technician_differences",
    "transition_curves",
]
