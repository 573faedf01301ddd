"""The pictures of image quality."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np

from mlmcsc.domain.image_quality import ScoreRecord, ScoreUpdate
from mlmcsc.plots.style import COLOURS, INK, WIDTH, data, dress

HEIGHT = 150
PANEL, GAP, BARS = 60, 30, 16
NOTHING = 1e-6
COMPONENTS = {
    "laplacian_variance": "Laplacian variance",
    "tenengrad": "Tenengrad",
    "rms_contrast": "contrast (RMS)",
    "noise": "noise",
    "clipped_low": "clipped at black",
    "clipped_high": "clipped at white",
    "illumination_gradient": "uneven light",
    "saturation": "colour saturation",
}


def score_histogram(done: ScoreUpdate) -> Any:
    """Images by score; what is below the threshold in another colour, and a line at it."""
    bins = len(done.histogram)
    rows = [
        {
            "low": at / bins,
            "high": (at + 1) / bins,
            "images": count,
            "poor": (at + 1) / bins <= done.threshold + 1e-9,
        }
        for at, count in enumerate(done.histogram)
    ]
    ticks = max(1, min(4, max(done.histogram)))  # no half images
    shade = alt.condition("datum.poor", alt.value(COLOURS[1]), alt.value(COLOURS[0]))
    axis = alt.Axis(values=[0, 0.2, 0.4, 0.6, 0.8, 1], format="~g")
    scale = alt.Scale(domain=[0, 1], nice=False)
    bars = (
        alt.Chart(data(rows))
        .mark_bar(binSpacing=1)
        .encode(
            x=alt.X("low:Q", bin="binned", title="quality score", axis=axis, scale=scale),
            x2="high:Q",
            y=alt.Y("images:Q", title="images", axis=alt.Axis(tickCount=ticks, format="~s")),
            color=shade,
        )
    )
    line = (
        alt.Chart(data([{"threshold": done.threshold}]))
        .mark_rule(color=INK, strokeWidth=2, strokeDash=[5, 4])
        .encode(x=alt.X("threshold:Q", scale=scale))
    )
    title = f"{done.scored:,} scored, {done.flagged:,} below {done.threshold:g}"
    return dress((bars + line).properties(width=WIDTH, height=HEIGHT, title=title))


def score_components(records: Sequence[ScoreRecord]) -> Any:
    """What lies behind scores: a small histogram of each component, two in a row."""
    panels = [_component(records, name, title) for name, title in COMPONENTS.items()]
    return dress(alt.concat(*panels, columns=2, spacing=14))


def _component(records: Sequence[ScoreRecord], name: str, title: str) -> Any:
    known = [getattr(each, name) for each in records if each.problem is None]
    counts, edges = np.histogram(known, bins=BARS, range=(0.0, max([*known, NOTHING])))
    rows = [
        {"low": float(low), "high": float(high), "images": int(count)}
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    x = alt.X("low:Q", bin="binned", title=None, axis=alt.Axis(tickCount=2, format="~"))
    y = alt.Y("images:Q", title=None, axis=alt.Axis(tickCount=2, format="~s"))
    bars = alt.Chart(data(rows)).mark_bar(binSpacing=0.5, color=COLOURS[0])
    shown = bars.encode(x=x, x2="high:Q", y=y)
    width = (WIDTH - GAP) // 2 - 15  # and the labels of its axis
    return shown.properties(width=width, height=PANEL, title=title)
