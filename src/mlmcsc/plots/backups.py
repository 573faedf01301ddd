"""The picture of recovery times and points as they were measured."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import altair as alt

from mlmcsc.domain.backups.drills import DrillReport
from mlmcsc.plots.style import FAINT, WIDTH, colour, data, dress, shape

UNITS = (("h", 3600.0, 7200.0), ("min", 60.0, 120.0), ("s", 1.0, 0.0))
"""Unit, its seconds, and from which largest value on it serves."""
PASSED, FAILED = "restored whole", "not restored"


def recovery_history(drills: Sequence[DrillReport]) -> Any:
    """Drills in → recovery times above recovery points, one mark a drill."""
    panels = [
        _panel(drills, "rto_seconds", "Recovery time (RTO)", of_failed=False),
        _panel(drills, "rpo_seconds", "Recovery point (RPO)", of_failed=True),
    ]
    known = [panel for panel in panels if panel is not None]
    return dress(alt.vconcat(*known, spacing=22).resolve_scale(x="shared"))


def _panel(drills: Sequence[DrillReport], field: str, title: str, *, of_failed: bool) -> Any:
    """A line through what was measured; a failed drill's time is no recovery time: at its foot."""
    values = [
        (each, getattr(each, field))
        for each in drills
        if (each.passed or of_failed) and getattr(each, field) is not None
    ]
    largest = max((value for _, value in values), default=0.0)
    unit, length = next((name, size) for name, size, least in UNITS if largest >= least)
    measured = [_row(each, value / length) for each, value in values]
    failed = [] if of_failed else [_row(each, 0.0) for each in drills if not each.passed]
    if not measured and not failed:
        return None
    times = [each.started_at for each in drills]
    day = "%d %b %Y" if max(times) - min(times) > timedelta(days=3) else "%d %b %H:%M"
    axis = alt.Axis(tickCount=3, format=day, labelAngle=0)
    x = alt.X("drilled:T", title=None, axis=axis, scale=alt.Scale(type="utc"))
    y = alt.Y("value:Q", title=unit, scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=4))
    line = alt.Chart(data(measured)).mark_line(color=FAINT, strokeWidth=1.5).encode(x=x, y=y)
    outcomes = (PASSED, FAILED)
    marks = (
        alt.Chart(data(measured + failed))
        .mark_point(filled=True, size=55, opacity=1)
        .encode(x=x, y=y, color=colour("drill", outcomes), shape=shape("drill", outcomes))
    )
    return (line + marks).properties(width=WIDTH, height=120, title=title)


def _row(each: DrillReport, value: float) -> dict[str, Any]:
    drill = PASSED if each.passed else FAILED
    return {"drilled": each.started_at.isoformat(), "value": value, "drill": drill}
