"""What the model says, against the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import altair as alt

from mlmcsc.plots.style import (
    FAINT,
    SPLITS,
    WIDTH,
    colour,
    data,
    shape,
    share,
    svg,
)


@dataclass(frozen=True)
class Prediction:
    """One picture's truth and what the model said.

    Attributes:
        true_sfa: in [0, 1].
        predicted: in [0, 1].
        split: `train`, `val` or `test`.
    """

    true_sfa: float
    predicted: float
    split: str


def predicted_against_true(predictions: Sequence[Prediction]) -> str:
    """Draw predicted over true shear fraction, with the line of equality."""
    rows = [asdict(p) for p in predictions]
    # Points of the training split stay behind: they flatter.
    rows.sort(key=lambda row: SPLITS.index(row["split"]))
    line = alt.Chart(data([{"x": 0, "y": 0}, {"x": 1, "y": 1}])).mark_line(
        color=FAINT, strokeDash=[5, 4]
    )
    points = alt.Chart(data(rows)).mark_point(filled=True, size=62, opacity=0.8)
    layers = line.encode(x="x:Q", y="y:Q") + points.encode(
        x=share(alt.X, "true_sfa", "true shear fraction"),
        y=share(alt.Y, "predicted", "predicted shear fraction"),
        color=colour("split", SPLITS),
        shape=shape("split", SPLITS),
    )
    return svg(layers.properties(width=WIDTH, height=WIDTH))
