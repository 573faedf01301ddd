"""What the model says, against the truth and against temperature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import altair as alt
import numpy as np

from mlmcsc.demo.specimens import transition
from mlmcsc.plots.style import (
    FAINT,
    HEIGHT,
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
        temperature_c: test temperature of the specimen, in degrees Celsius.
        heat: name of the heat.
    """

    true_sfa: float
    predicted: float
    split: str
    temperature_c: float
    heat: str


@dataclass(frozen=True)
class Curve:
    """A heat's transition curve: 50 % shear at `t50_c`, width `spread_c`, degrees Celsius."""

    heat: str
    t50_c: float
    spread_c: float


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


def transition_curves(predictions: Sequence[Prediction], curves: Sequence[Curve]) -> str:
    """Draw shear fraction over temperature: each heat's curve, its truth and its predictions."""
    heats = sorted(curve.heat for curve in curves)
    temperatures = [p.temperature_c for p in predictions]
    grid = np.linspace(min(temperatures) - 10, max(temperatures) + 10, 80)
    lines = [
        {"t": float(t), "sfa": transition(float(t), c.t50_c, c.spread_c), "heat": c.heat}
        for c in curves
        for t in grid
    ]
    x = alt.X("t:Q", title="test temperature (°C)", scale=alt.Scale(nice=False, zero=False))
    y = share(alt.Y, "sfa", "shear fraction")
    color = colour("heat", heats)
    drawn = alt.Chart(data(lines)).mark_line(strokeWidth=2).encode(x=x, y=y, color=color)
    said = [{"t": p.temperature_c, "sfa": p.predicted, "heat": p.heat} for p in predictions]
    seen = [{"t": p.temperature_c, "sfa": p.true_sfa, "heat": p.heat} for p in predictions]
    dots = alt.Chart(data(said)).mark_point(filled=True, size=34, opacity=0.55)
    ticks = alt.Chart(data(seen)).mark_tick(orient="horizontal", thickness=3, bandSize=16)
    layers = (
        drawn
        + dots.encode(x=x, y=y, color=color, shape=shape("heat", heats))
        + ticks.encode(x=x, y=y, color=color)
    )
    return svg(layers.properties(width=WIDTH, height=HEIGHT))
