"""Transition curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import altair as alt

from mlmcsc.domain.charpy.derived import Temperature
from mlmcsc.domain.charpy.results import Curve, CurveReport
from mlmcsc.plots.style import COLOURS, HEIGHT, INK, SHAPES, WIDTH, data, dress

TEMPERATURE: Final = "test temperature (°C)"
TITLES: Final = {
    "kv": "absorbed energy KV (J)",
    "le": "lateral expansion LE (mm)",
    "sfa": "shear fracture appearance SFA (%)",
}


def transition_curves(report: CurveReport) -> Any:
    """Specimens, fitted curves with their confidence bands, and transition temperatures.

    A transition temperature is a diamond at its level, with a bar for its confidence interval; an
    arrow says that the interval, or the temperature itself, goes on beyond the picture. Outliers
    are ringed.
    """
    names = [curve.name for curve in report.curves]
    coldest = min(curve.fit.coldest_c for curve in report.curves)
    warmest = max(curve.fit.warmest_c for curve in report.curves)
    margin = (warmest - coldest) / 30
    axis = alt.Scale(domain=[coldest - margin, warmest + margin], nice=False)
    several = len(names) > 1
    key = alt.Legend(orient="top", direction="horizontal", title=None, symbolOpacity=1)
    chart = _Drawing(
        alt.X("t:Q", title=TEMPERATURE, scale=axis),
        alt.Y("y:Q", title=TITLES[report.property], scale=_scale(report)),
        alt.Color(
            "heat:N",
            scale=alt.Scale(domain=names, range=list(COLOURS[: len(names)])),
            legend=key if several else None,
        ),
        alt.Shape(
            "heat:N",
            scale=alt.Scale(domain=names, range=list(SHAPES[: len(names)])),
            legend=key if several else None,
        ),
    )
    bands = [curve for curve in report.curves if curve.fit.intervals != "none"]
    layers = [chart.band(bands)] if bands else []
    layers += [chart.line(report.curves), chart.points(report.curves)]
    if any(curve.fit.outliers for curve in report.curves):
        layers.append(chart.rings(report.curves))
    marks = _marks(report.curves, coldest - margin, warmest + margin)
    layers += chart.temperatures(marks, coldest - margin, warmest + margin)
    return dress(
        alt.vconcat(
            alt.layer(*layers).properties(width=WIDTH, height=HEIGHT, title=_title(report)),
            *([_words(marks)] if marks else []),
            spacing=6,
        )
    )


class _Drawing:
    """The layers, on common axes."""

    def __init__(self, x: alt.X, y: alt.Y, colour: alt.Color, shape: alt.Shape) -> None:
        self.x, self.y, self.colour, self.shape = x, y, colour, shape

    def band(self, curves: Sequence[Curve]) -> Any:
        rows = [
            {"t": p.temperature_c, "y": p.low, "high": p.high, "heat": curve.name}
            for curve in curves
            for p in curve.fit.band
        ]
        drawn = alt.Chart(data(rows)).mark_area(opacity=0.18)
        return drawn.encode(x=self.x, y=self.y, y2="high:Q", color=self.colour)

    def line(self, curves: Sequence[Curve]) -> Any:
        rows = [
            {"t": p.temperature_c, "y": p.value, "heat": curve.name}
            for curve in curves
            for p in curve.fit.band
        ]
        drawn = alt.Chart(data(rows)).mark_line(strokeWidth=2)
        return drawn.encode(x=self.x, y=self.y, color=self.colour)

    def points(self, curves: Sequence[Curve]) -> Any:
        rows = [
            {"t": p.temperature_c, "y": p.value, "heat": curve.name}
            for curve in curves
            for p in curve.fit.points
        ]
        drawn = alt.Chart(data(rows)).mark_point(filled=True, size=34, opacity=0.65)
        return drawn.encode(x=self.x, y=self.y, color=self.colour, shape=self.shape)

    def rings(self, curves: Sequence[Curve]) -> Any:
        rows = [
            {"t": p.temperature_c, "y": p.value} for curve in curves for p in curve.fit.outliers
        ]
        drawn = alt.Chart(data(rows)).mark_point(shape="circle", size=170, color=INK)
        return drawn.encode(x=self.x, y=self.y)

    def temperatures(self, marks: list[dict[str, Any]], left: float, right: float) -> list[Any]:
        """Diamonds with their bars, and arrows where these go on beyond the picture."""
        barred = [mark for mark in marks if mark["low"] < mark["high"]]
        within = [mark for mark in marks if left <= mark["t"] <= right]
        on = [mark | {"t": left} for mark in marks if mark["colder"]]
        off = [mark | {"t": right} for mark in marks if mark["warmer"]]
        bar = alt.Chart(data(barred)).mark_rule(strokeWidth=3)
        low = alt.X("low:Q", title=TEMPERATURE)
        return [
            layer
            for rows, layer in (
                (barred, bar.encode(x=low, x2="high:Q", y=self.y, color=self.colour)),
                (within, self._signs(within, "diamond", 110)),
                (on, self._signs(on, "triangle-left", 130)),
                (off, self._signs(off, "triangle-right", 130)),
            )
            if rows
        ]

    def _signs(self, rows: list[dict[str, Any]], shape: str, size: int) -> Any:
        drawn = alt.Chart(data(rows)).mark_point(
            shape=shape, size=size, filled=True, stroke="white", strokeWidth=1.5, opacity=1
        )
        return drawn.encode(x=self.x, y=self.y, color=self.colour)


def _scale(report: CurveReport) -> alt.Scale:
    """From 0, and of an SFA to 100."""
    if report.property == "sfa":
        return alt.Scale(domain=[0, 100])
    most = max(
        max(
            [p.value for p in curve.fit.points]
            + [p.value if p.high is None else p.high for p in curve.fit.band]
        )
        for curve in report.curves
    )
    return alt.Scale(domain=[0, most * 1.04], nice=False)


def _marks(curves: Sequence[Curve], left: float, right: float) -> list[dict[str, Any]]:
    """The transition temperatures, with their intervals as far as the picture goes."""
    return [
        _mark(curve, each, each.value, left, right)
        | {"text": _told(curve, each, each.value, many=len(curves) > 1)}
        for curve in curves
        for each in curve.fit.derived
        if each.value is not None
    ]


def _mark(
    curve: Curve, each: Temperature, value: float, left: float, right: float
) -> dict[str, Any]:
    bare = curve.fit.intervals == "none"
    low = value if bare else -math.inf if each.low is None else each.low
    high = value if bare else math.inf if each.high is None else each.high
    return {
        "t": value,
        "y": each.level,
        "low": min(max(left, low), right),
        "high": max(min(right, high), left),
        "colder": low < left,
        "warmer": high > right,
        "heat": curve.name,
    }


def _told(curve: Curve, each: Temperature, value: float, *, many: bool) -> str:
    limits = " to ".join("?" if end is None else _whole(end) for end in (each.low, each.high))
    bare = each.low is None and each.high is None
    text = f"{each.name} {_whole(value)} °C ({'no interval' if bare else limits})"
    text = text.replace("-", "−")  # noqa: RUF001  # a true minus sign
    doubts = [", extrapolated"] if each.extrapolated else []
    doubts += [] if bare or curve.fit.established else [", not established"]
    return (f"{curve.name}: {text}" if many else text) + "".join(doubts)


def _whole(degrees: float) -> str:
    return f"{round(degrees)}"  # no -0


def _words(marks: list[dict[str, Any]]) -> Any:
    """The transition temperatures in words, below, where they cover no point."""
    rows = [{"row": at, "text": mark["text"]} for at, mark in enumerate(marks)]
    written = alt.Chart(data(rows)).mark_text(align="left", color=INK, fontSize=12, x=0)
    y = alt.Y("row:O", axis=None)
    return written.encode(y=y, text="text:N").properties(width=WIDTH, height=17 * len(rows))


def _title(report: CurveReport) -> str:
    first, several = report.curves[0], len(report.curves) > 1
    origin = {"measured": "", "labels": ", read by people", "predictions": ", by the model"}
    name = report.property.upper() if several else first.name
    if all(curve.fit.intervals == "none" for curve in report.curves):
        return f"{name}{origin[first.source]}"
    return f"{name}{origin[first.source]}, with {100 * first.fit.confidence:.3g} % band"
