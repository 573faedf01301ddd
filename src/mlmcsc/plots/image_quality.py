"""The pictures of image quality."""

from __future__ import annotations

from typing import Any

import altair as alt

from mlmcsc.domain.image_quality import ScoreUpdate
from mlmcsc.plots.style import COLOURS, INK, WIDTH, data, dress

HEIGHT = 150


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
    axis = alt.Axis(values=[0, 0.25, 0.5, 0.75, 1], format="~g")
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
