"""The picture of suspicious labels: each beside what the witnesses say."""

from __future__ import annotations

from typing import Any, Final

import altair as alt

from mlmcsc.domain.suspicion import SuspicionReport
from mlmcsc.plots.style import FAINT, INK, WIDTH, colour, data, dress, shape

SHOWN: Final = 15
NONE: Final = "no label stands out"
NOTHING: Final = "nothing speaks for or against any label"
WHO: Final = ("label", "colleagues", "model", "similar images")


def suspicious_labels(found: SuspicionReport) -> Any:
    """The worst labels, one a row: the label, and what was expected instead."""
    worst = found.items[:SHOWN]
    if not worst:
        return dress(
            alt.Chart(data([{"text": NONE if found.min_score else NOTHING}]))
            .mark_text(color=INK, fontSize=13)
            .encode(text="text:N")
            .properties(width=WIDTH, height=40)
        )
    rows: list[dict[str, Any]] = []
    spans: list[dict[str, Any]] = []
    names = [f"{each.label_id} ({each.technician_id})" for each in worst]
    for name, each in zip(names, worst, strict=True):
        said = {
            "colleagues": each.colleagues,
            "model": each.model,
            "similar images": each.neighbours,
        }
        values = {"label": each.label} | {
            who: evidence.expected for who, evidence in said.items() if evidence is not None
        }
        rows += [{"name": name, "value of": who, "value": value} for who, value in values.items()]
        spans.append({"name": name, "low": min(values.values()), "high": max(values.values())})
    scale = alt.Scale(zero=False, nice=True)
    y = alt.Y("name:N", sort=names, title=None, axis=alt.Axis(grid=True, ticks=False, domain=False))
    lines = (
        alt.Chart(data(spans))
        .mark_rule(color=FAINT, strokeWidth=2)
        .encode(y=y, x=alt.X("low:Q", scale=scale, title="label"), x2="high:Q")
    )
    points = (
        alt.Chart(data(rows))
        .mark_point(filled=True, size=70, opacity=1)
        .encode(
            y=y,
            x=alt.X("value:Q", scale=scale, title="label"),
            color=colour("value of", WHO),
            shape=shape("value of", WHO),
        )
    )
    title = f"The {len(worst)} most suspicious of {found.labels:,} labels"
    return dress((lines + points).properties(width=WIDTH, height=24 * len(worst), title=title))
