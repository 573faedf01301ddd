"""The picture of a difference between two versions."""

from __future__ import annotations

from typing import Any, Final

import altair as alt

from mlmcsc.domain.versions.differences import Transitions, VersionDiff
from mlmcsc.plots.style import COLOURS, INK, WIDTH, data, dress

CHANGES: Final = ("added", "removed", "relabelled", "moved", "details", "redacted")


def version_diff(found: VersionDiff) -> Any:
    """A difference in → bars of what changed, histogram of label differences, old over new."""
    parts = [_counts(found)]
    if found.histogram:
        parts.append(_differences(found))
    if found.transitions:
        parts.append(_moves(found.transitions))
    return dress(alt.vconcat(*parts, spacing=18))


def _counts(found: VersionDiff) -> Any:
    shown = [
        name for name in CHANGES if name not in {"details", "redacted"} or getattr(found, name)
    ]
    rows = [{"change": name, "images": getattr(found, name)} for name in shown]
    base = alt.Chart(data(rows)).encode(
        y=alt.Y("change:N", sort=shown, title=None, axis=alt.Axis(domain=False, ticks=False)),
        x=alt.X("images:Q", axis=None),
    )
    bars = base.mark_bar(color=COLOURS[0], height={"band": 0.65})
    numbers = base.mark_text(align="left", dx=4, color=INK, fontSize=12).encode(
        text=alt.Text("images:Q", format=",")
    )
    title = f"{found.old} → {found.new}"
    return (bars + numbers).properties(width=WIDTH, height=24 * len(shown), title=title)


def _differences(found: VersionDiff) -> Any:
    rows = [
        {"low": b.low, "high": b.high, "images": b.count, "lower": b.high <= 0}
        for b in found.histogram
    ]
    ticks = min(4, max(b.count for b in found.histogram))  # no half images
    colour = alt.condition("datum.lower", alt.value(COLOURS[1]), alt.value(COLOURS[0]))
    bars = (
        alt.Chart(data(rows))
        .mark_bar(binSpacing=1)
        .encode(
            x=alt.X("low:Q", bin="binned", title="new label − old label"),  # noqa: RUF001  # a true minus sign
            x2="high:Q",
            y=alt.Y("images:Q", axis=alt.Axis(tickCount=ticks, format="~s")),
            color=colour,
        )
    )
    mean = alt.Chart(data([{"mean": found.mean_difference}])).mark_rule(
        color=INK, strokeWidth=2, strokeDash=[5, 4]
    )
    title = f"{found.relabelled:,} relabelled, mean {found.mean_difference:+.3g}"
    return (bars + mean.encode(x="mean:Q")).properties(width=WIDTH, height=150, title=title)


def _moves(found: Transitions) -> Any:
    """A heat map: how many went from which label to which."""
    edges, most = found.edges, max(map(max, found.counts))
    rows = [
        {
            "old": edges[at],
            "old_end": edges[at + 1],
            "old_middle": (edges[at] + edges[at + 1]) / 2,
            "new": edges[to],
            "new_end": edges[to + 1],
            "new_middle": (edges[to] + edges[to + 1]) / 2,
            "images": count,
            "dark": count > 0.6 * most,
        }
        for at, row in enumerate(found.counts)
        for to, count in enumerate(row)
        if count
    ]
    bounds = alt.Scale(domain=[edges[0], edges[-1]], nice=False)
    axis = alt.Axis(values=list(edges[::2]), format="~g")
    x = alt.X("new:Q", scale=bounds, axis=axis, title="new label")
    y = alt.Y("old:Q", scale=bounds, axis=axis, title="old label")
    shade = alt.Scale(domain=[0, most], range=["#e8f1f8", COLOURS[0]])
    cells = (
        alt.Chart(data(rows))
        .mark_rect(stroke="white")
        .encode(
            x=x,
            y=y,
            x2="new_end:Q",
            y2="old_end:Q",
            color=alt.Color("images:Q", scale=shade, legend=None),
        )
    )
    ink = alt.condition("datum.dark", alt.value("white"), alt.value("black"))
    numbers = (
        alt.Chart(data(rows))
        .mark_text(fontSize=9)
        .encode(
            x=alt.X("new_middle:Q", scale=bounds, axis=axis, title="new label"),
            y=alt.Y("old_middle:Q", scale=bounds, axis=axis, title="old label"),
            text=alt.Text("images:Q", format="~s"),
            color=ink,
        )
    )
    title = "From old label to new, images"
    return (cells + numbers).properties(width=WIDTH, height=WIDTH, title=title)
