"""The plots that need the truth, which only the demo knows: plain records in, SVG text out."""

from mlmcsc.demo.charts.labels import SplitLabel, labels_by_split
from mlmcsc.demo.charts.model import Prediction, predicted_against_true

__all__ = ["Prediction", "SplitLabel", "labels_by_split", "predicted_against_true"]
