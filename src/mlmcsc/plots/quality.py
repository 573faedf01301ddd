"""Pictures of a check of quality: scores, accuracy over time, reliability, verification."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import altair as alt

from mlmcsc.domain.quality.report import ModelAccuracy, QualityReport
from mlmcsc.plots.style import COLOURS, FAINT, INK, WIDTH, colour, data, dress, shape, share

HEIGHT = 170
MOST_LINES = 8
"""Lines of text that a panel has room for."""
MOST_MODELS = len(COLOURS)
"""Models that colours can tell apart: those with the most answers are drawn."""


def quality_overview(report: QualityReport) -> Any:
    """Draw all panels that have something to show, two in a row."""
    drawn = list(panels(report).values())
    if not drawn:
        return dress(alt.Chart(data([{}])).mark_text(text="no data yet", color=INK))
    rows = [
        alt.hconcat(*drawn[at : at + 2], spacing=40).resolve_scale(
            color="independent", shape="independent"
        )
        for at in range(0, len(drawn), 2)
    ]
    page = alt.vconcat(*rows, spacing=30)
    return dress(page.resolve_scale(color="independent", shape="independent"))


def panels(report: QualityReport) -> dict[str, Any]:
    """Each panel by its title, without those that have nothing to show."""
    models = sorted(report.models, key=lambda model: -model.told.overall.n)[:MOST_MODELS]
    found = {
        "Image quality": _scores(report),
        "Error of each month's predictions": _accuracy(models),
        "Is the confidence true?": _reliability(models),
        "Verified labels": _verification(report),
    }
    return {
        title: chart.properties(title=title, width=WIDTH, height=HEIGHT)
        for title, chart in found.items()
        if chart is not None
    }


def _scores(report: QualityReport) -> Any:
    counts = report.scores.histogram
    if not sum(counts):
        return None
    steps = len(counts)
    rows = [
        {"low": at / steps, "high": (at + 1) / steps, "images": count, "none": 0}
        for at, count in enumerate(counts)
    ]
    x = alt.X("low:Q", title="quality score", scale=alt.Scale(domain=[0, 1]), axis=_ticks())
    y = alt.Y("images:Q", title="images", axis=alt.Axis(tickCount=4, format="~s"))
    bars = (
        alt.Chart(data(rows))
        .mark_bar(color=COLOURS[0], binSpacing=1)
        .encode(x=x, x2="high", y=y, y2="none")
    )
    limit = alt.Chart(data([{"low": report.scores.threshold}]))
    return bars + limit.mark_rule(color=COLOURS[1], strokeDash=[4, 3], strokeWidth=1.5).encode(x=x)


def _ticks() -> alt.Axis:
    return alt.Axis(tickCount=5)


def _accuracy(models: Sequence[ModelAccuracy]) -> Any:
    rows = [
        {"month": month, "error": each.mae, "model": model.version, "n": each.n}
        for model in models
        for month, each in model.told.by_month.items()
    ]
    if not rows:
        return None
    if _one_month(rows):
        return _lines(
            f"{row['month']}, {row['model']}: {row['error']:.3g} ({row['n']:,} predictions)"
            for row in rows
        )
    names = [model.version for model in models]
    encoded = {
        "x": _month(rows),
        "y": alt.Y("error:Q", title="mean absolute error", axis=alt.Axis(tickCount=4)),
        "color": colour("model", names),
    }
    base = alt.Chart(data(rows))
    points = base.mark_point(filled=True, size=50, opacity=1)
    return base.mark_line(strokeWidth=1.5).encode(**encoded) + points.encode(
        **encoded, shape=shape("model", names)
    )


def _reliability(models: Sequence[ModelAccuracy]) -> Any:
    rows = [
        {
            "confidence": bar.confidence,
            "right": bar.right,
            "low": bar.right_low,
            "high": bar.right_high,
            "n": bar.n,
            "model": model.version,
        }
        for model in models
        if model.told.calibration is not None
        for bar in model.told.calibration.bins
    ]
    if not rows:
        return None
    known = [m.told.calibration for m in models if m.told.calibration is not None]
    names = [model.version for model in models if model.told.calibration is not None]
    counts = [bar.n for trust in known for bar in trust.bins]
    fewest, most = min(counts), max(counts)
    told = f"confidence (points: {fewest:,} to {most:,} predictions)"
    x: Any = share(alt.X, "confidence", told)
    y: Any = share(alt.Y, "right", f"share within {known[0].tolerance:.3g} of the label")
    ideal = data([{"confidence": at, "right": at} for at in (0, 1)])
    line = alt.Chart(ideal).mark_line(color=FAINT, strokeDash=[4, 3], strokeWidth=1.5)
    base = alt.Chart(data(rows)).encode(x=x, color=colour("model", names))
    bars = base.mark_rule(opacity=0.5).encode(y=alt.Y("low:Q"), y2="high")
    size = alt.Size("n:Q", scale=alt.Scale(domain=[0, most], range=[15, 160]), legend=None)
    points = base.mark_point(filled=True, opacity=0.9)
    return line.encode(x=x, y=y) + bars + points.encode(y=y, size=size, shape=shape("model", names))


def _verification(report: QualityReport) -> Any:
    rows = [
        {"month": month, "verified": rate.rate, "n": rate.labels}
        for month, rate in report.verification_by_month.items()
        if rate.rate is not None
    ]
    if not rows:
        return None
    if _one_month(rows):
        return _lines(f"{r['month']}: {r['verified']:.1%} of {r['n']:,} labels" for r in rows)
    axis: Any = share(alt.Y, "verified", "share of the month's labels")
    base = alt.Chart(data(rows)).encode(x=_month(rows), y=axis)
    line = base.mark_line(color=COLOURS[2], strokeWidth=1.5)
    return line + base.mark_point(filled=True, size=50, opacity=1, color=COLOURS[2])


def _one_month(rows: Sequence[Mapping[str, Any]]) -> bool:
    return len({row["month"] for row in rows}) == 1


def _lines(sentences: Iterable[str]) -> Any:
    """Numbers as text: a single dot in a frame tells nothing more."""
    rows = [{"at": at, "text": text} for at, text in enumerate(sentences)]
    y = alt.Y("at:Q", axis=None, scale=alt.Scale(domain=[MOST_LINES, -0.5]))
    text = alt.Chart(data(rows)).mark_text(align="left", color=INK, fontSize=12)
    return text.encode(x=alt.value(0), y=y, text="text:N")


def _month(rows: Sequence[Mapping[str, Any]]) -> alt.X:
    """Months as they are told, and names of only so many that they do not overlap."""
    months = sorted({row["month"] for row in rows})
    every = -(-len(months) // 5)
    axis = alt.Axis(values=months[::every], labelAngle=0)
    return alt.X("month:O", title=None, sort=months, axis=axis)
