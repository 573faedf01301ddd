"""Pictures of how well people who label agree, with one another and with models."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import altair as alt

from mlmcsc.domain.agreement.anchoring import Anchoring
from mlmcsc.domain.agreement.bland_altman import BlandAltman
from mlmcsc.domain.agreement.ceiling import Ceiling, Score
from mlmcsc.domain.agreement.control import ControlChart
from mlmcsc.domain.agreement.gauge import GaugeRR
from mlmcsc.domain.agreement.rater_effects import RaterEffect
from mlmcsc.domain.agreement.report import AgreementReport, Missing
from mlmcsc.errors import ValidationError
from mlmcsc.plots.style import COLOURS, FAINT, INK, WIDTH, data, dress

BLUE, ORANGE, GREEN = COLOURS[:3]
MINUS: Final = "\N{MINUS SIGN}"
MOST_NAMES: Final = 20
"""Raters or models of one chart; more cannot be read."""
MOST_PAIRS, MOST_CHARTS = 2, 4
"""Of the combined picture."""
ROW: Final = 22


def agreement_overview(report: AgreementReport) -> Any:
    """All that the report has a result for, one below the other.

    Raises:
        ValidationError: It has none that can be drawn.
    """
    parts: list[Any] = []
    if not isinstance(report.raters, Missing):
        parts.append(_rater_effects(report.raters))
    if not isinstance(report.ceiling, Missing):
        parts.append(_ceiling(report.ceiling))
    if not isinstance(report.anchoring, Missing):
        parts.append(_anchoring(report.anchoring))
    if not isinstance(report.pairs, Missing):
        parts += [
            _bland_altman(each.comparison, each.first, each.second)
            for each in report.pairs[:MOST_PAIRS]
        ]
    if not isinstance(report.gauge, Missing):
        parts.append(_gauge_rr(report.gauge.gauge))
    if not isinstance(report.charts, Missing):
        parts += [_control_chart(each.chart, each.rater) for each in report.charts[:MOST_CHARTS]]
    if not parts:
        raise ValidationError("the report has no result to draw: let two people label one image.")
    return dress(alt.vconcat(*parts, spacing=26).resolve_scale(color="independent"))


def bland_altman(found: BlandAltman, first: str = "first", second: str = "second") -> Any:
    """Differences over means, with bias, limits of agreement and the intervals of all three."""
    return dress(_bland_altman(found, first, second))


def control_chart(found: ControlChart, name: str = "") -> Any:
    """Differences from gold in order of time, limits, and points where a rule broke."""
    return dress(_control_chart(found, name))


def rater_effects(found: Sequence[RaterEffect]) -> Any:
    """Bias and its interval, and scatter, of each rater."""
    return dress(_rater_effects(found))


def anchoring(found: Anchoring) -> Any:
    """Assisted labels over predictions, both as differences from the blind consensus."""
    return dress(_anchoring(found))


def ceiling(found: Ceiling) -> Any:
    """The error of models beside that of people, against the same means of other people."""
    return dress(_ceiling(found))


def gauge_rr(found: GaugeRR) -> Any:
    """Share of each source of variation."""
    return dress(_gauge_rr(found))


def _bland_altman(found: BlandAltman, first: str, second: str) -> Any:
    lines = [
        (found.upper, found.upper_low, found.upper_high, "upper limit"),
        (found.bias, found.bias_low, found.bias_high, "bias"),
        (found.lower, found.lower_low, found.lower_high, "lower limit"),
    ]
    rows = [
        {"at": at, "low": low, "high": high, "text": f"{at:+.3g}", "what": what}
        for at, low, high, what in lines
    ]
    points = data(
        [{"mean": m, "off": d} for m, d in zip(found.means, found.differences, strict=True)]
    )
    y = alt.Y("off:Q", title="difference", scale=alt.Scale(zero=False))
    x = alt.X("mean:Q", title="mean of both", scale=alt.Scale(zero=False), axis=_few())
    shade = alt.condition("datum.what == 'bias'", alt.value(BLUE), alt.value(ORANGE))
    base = alt.Chart(data(rows))
    bands = base.mark_rect(opacity=0.16).encode(y="low:Q", y2="high:Q", color=shade)
    rules = base.mark_rule(strokeWidth=1.5).encode(y="at:Q", color=shade)
    words = base.mark_text(align="left", dx=4, fontSize=12).encode(
        x=alt.value(WIDTH - 40), y="at:Q", text="text:N", color=shade
    )
    opacity = 0.75 if len(found.means) < 200 else 0.3  # noqa: PLR2004  # crowded points overlap
    marks = alt.Chart(points).mark_circle(size=28, color=INK, opacity=opacity).encode(x=x, y=y)
    shown = f", {len(found.means):,} shown" if found.sampled else ""
    title = [f"{first} {MINUS} {second}", f"{found.n:,} images{shown}"]
    return (bands + rules + marks + words).properties(width=WIDTH - 40, height=210, title=title)


def _control_chart(found: ControlChart, name: str) -> Any:
    rules: dict[int, list[int]] = {}
    for each in found.signals:
        rules.setdefault(each.at, []).append(each.rule)
    rows = [
        {
            "time": moment.isoformat() if isinstance(moment, datetime) else moment,
            "value": value,
            "rules": ",".join(map(str, rules.get(at, []))),
        }
        for at, (moment, value) in enumerate(zip(found.times, found.values, strict=True))
    ]
    if isinstance(found.times[0], datetime):
        axis = alt.Axis(tickCount=4, labelAngle=0, format="%d %b")
        x = alt.X("time:T", title=None, axis=axis, scale=alt.Scale(type="utc"))
    else:
        x = alt.X("time:Q", title=None, axis=_few(), scale=alt.Scale(zero=False))
    y = alt.Y("value:Q", title=f"label {MINUS} gold", scale=alt.Scale(zero=False))
    limits = alt.Chart(data([{"at": found.lower}, {"at": found.upper}]))
    centre = alt.Chart(data([{"at": found.centre}]))
    base = alt.Chart(data(rows)).encode(x=x, y=y)
    broken = base.transform_filter("datum.rules != ''")
    layers = (
        limits.mark_rule(color=ORANGE, strokeDash=[5, 4], strokeWidth=1.5).encode(y="at:Q"),
        centre.mark_rule(color=BLUE, strokeWidth=1.5).encode(y="at:Q"),
        base.mark_line(color=FAINT, strokeWidth=1.2),
        base.mark_circle(color=INK, size=26, opacity=1),
        broken.mark_point(shape="triangle-up", filled=True, color=ORANGE, size=80, opacity=1),
        broken.mark_text(dy=-11, color=ORANGE, fontSize=11).encode(text="rules:N"),
    )
    who = f"{name}: " if name else ""
    state = "in control" if found.in_control else f"{len(rules)} break rules (numbers)"
    title = f"{who}gold images, {state}"
    return alt.layer(*layers).properties(width=WIDTH, height=170, title=title)


def _rater_effects(found: Sequence[RaterEffect]) -> Any:
    known = [each for each in found if each.bias is not None]
    if not known:
        raise ValidationError("no rater shares an image with a reference: nothing to draw.")
    shown = sorted(known, key=lambda each: -abs(each.bias or 0))[:MOST_NAMES]
    shown.sort(key=lambda each: each.bias or 0)
    order = [str(each.rater) for each in shown]
    rows = [
        {
            "rater": str(each.rater),
            "bias": each.bias,
            "low": each.bias_low,
            "high": each.bias_high,
            "scatter": each.scatter,
            "off": bool(each.biased or each.differs),
        }
        for each in shown
    ]
    base = alt.Chart(data(rows)).encode(y=_names("rater", order))
    shade = alt.condition("datum.off", alt.value(ORANGE), alt.value(BLUE))
    zero = alt.Chart(data([{"at": 0}])).mark_rule(color=INK).encode(x="at:Q")
    bias = alt.layer(
        zero,
        base.mark_rule(strokeWidth=2)
        .encode(x="low:Q", x2="high:Q", color=shade)
        .transform_filter("isValid(datum.low)"),
        base.mark_circle(size=70, opacity=1).encode(
            x=alt.X("bias:Q", title="bias, with interval", axis=_few(), scale=alt.Scale(padding=8)),
            color=shade,
        ),
    ).properties(width=165, height=ROW * len(rows))
    kinds = {"gold": "gold", "others": "the other raters"}
    against = " or ".join(kinds[each] for each in sorted({each.against for each in shown}))
    part = "" if len(shown) == len(found) else f", {len(shown)} of {len(found)}"
    panels = [bias]
    if any(row["scatter"] is not None for row in rows):
        bars = base.encode(y=_names("rater", order, labels=False))
        bars = bars.transform_filter("isValid(datum.scatter)").mark_bar(
            color=FAINT, height={"band": 0.6}
        )
        bars = bars.encode(x=alt.X("scatter:Q", title="scatter (SD)", axis=_few(3)))
        panels.append(bars.properties(width=85, height=ROW * len(rows)))
    return alt.hconcat(*panels, spacing=14).properties(title=f"Raters against {against}{part}")


def _anchoring(found: Anchoring) -> Any:
    rows = [{"x": x, "y": y} for x, y in zip(found.x, found.y, strict=True)]
    left, right = min(found.x), max(found.x)
    found_slope = f"found: {found.slope:.2f}"
    base: dict[str, Any] = {"left": left, "right": right}
    lines = [
        base | {"what": "copying: 1", "from": left, "to": right},
        base | {"what": "independent: 0", "from": 0, "to": 0},
        base
        | {
            "what": found_slope,
            "from": found.intercept + found.slope * left,
            "to": found.intercept + found.slope * right,
        },
    ]
    names = [str(each["what"]) for each in lines]
    opacity = 0.6 if len(rows) < 200 else 0.25  # noqa: PLR2004  # crowded points overlap
    points = (
        alt.Chart(data(rows))
        .mark_circle(size=26, color=INK, opacity=opacity)
        .encode(
            x=alt.X("x:Q", title=f"prediction {MINUS} blind consensus", axis=_few()),
            y=alt.Y("y:Q", title=f"assisted label {MINUS} blind consensus"),
        )
    )
    rules = (
        alt.Chart(data(lines))
        .mark_rule(strokeWidth=2)
        .encode(
            x="left:Q",
            x2="right:Q",
            y="from:Q",
            y2="to:Q",
            color=alt.Color(
                "what:N",
                scale=alt.Scale(domain=names, range=[ORANGE, GREEN, BLUE]),
                legend=alt.Legend(orient="top", direction="horizontal", title=None, offset=2),
            ),
            strokeDash=alt.condition(
                f"datum.what == '{found_slope}'", alt.value([1, 0]), alt.value([5, 4])
            ),
        )
    )
    title = [
        f"Anchoring {found.slope:.2f} ({found.low:.2f} to {found.high:.2f}): {found.verdict}",
        f"{found.copied:,} of {found.n:,} labels are the prediction itself",
    ]
    return (points + rules).properties(width=WIDTH, height=220, title=title)


def _ceiling(found: Ceiling) -> Any:
    models = sorted(found.models, key=lambda each: each.model.mae.value or 0)[:MOST_NAMES]
    people = "people (ceiling)"
    rows = [_error(people, found.humans, BLUE)]
    rows += [
        _error(str(each.model.name), each.model, ORANGE if each.verdict == "worse" else GREEN)
        for each in models
    ]
    order = [row["name"] for row in rows]
    one_by_one = [
        {"name": people, "mae": each.mae.value}
        for each in found.raters
        if each.mae.value is not None
    ]
    base = alt.Chart(data(rows)).encode(
        y=_names("name", order), color=alt.Color("ink:N", scale=None)
    )
    title = "mean absolute error against the other people"
    x = alt.X("mae:Q", title=title, axis=_few())
    layers = [
        alt.Chart(data(rows[:1]))
        .mark_rect(color=BLUE, opacity=0.14)
        .encode(x="low:Q", x2="high:Q"),
        alt.Chart(data(one_by_one))
        .mark_tick(color=FAINT, thickness=2, height=12)
        .encode(x=x, y=_names("name", order)),
        base.mark_rule(strokeWidth=2).encode(x="low:Q", x2="high:Q"),
        base.mark_circle(size=70, opacity=1).encode(x=x),
    ]
    return alt.layer(*layers).properties(
        width=WIDTH - 60,
        height=max(ROW * len(rows), 60),
        title="Models as one more rater" if models else "People against each other",
    )


def _error(name: str, score: Score, ink: str) -> dict[str, Any]:
    of = score.mae
    return {"name": name, "mae": of.value, "low": of.low, "high": of.high, "ink": ink}


def _gauge_rr(found: GaugeRR) -> Any:
    names = {
        "gauge": "gauge R&R",
        "repeatability": "repeatability",
        "reproducibility": "reproducibility",
        "part": "between images",
    }
    kinds = ("% of variance", "% of variation (SD)")
    rows = [
        {"source": shown, "kind": kind, "percent": percent, "text": f"{percent:.1f}"}
        for name, shown in names.items()
        for kind, percent in zip(
            kinds,
            (
                found.component(name).percent_contribution,
                found.component(name).percent_variation,
            ),
            strict=True,
        )
    ]
    base = alt.Chart(data(rows)).encode(
        y=_names("source", list(names.values())),
        yOffset=alt.YOffset("kind:N", sort=list(kinds)),
        x=alt.X(
            "percent:Q", title="%", scale=alt.Scale(domain=[0, 110], nice=False), axis=_hundred()
        ),
    )
    legend = alt.Legend(orient="bottom", direction="horizontal", title=None)
    bars = base.mark_bar().encode(
        color=alt.Color(
            "kind:N", scale=alt.Scale(domain=list(kinds), range=[BLUE, FAINT]), legend=legend
        )
    )
    numbers = base.mark_text(align="left", dx=3, color=INK, fontSize=11).encode(text="text:N")
    categories = "unlimited" if found.ndc is None else str(found.ndc)
    title = f"%GRR {found.percent_grr:.1f} ({found.verdict}), distinct categories {categories}"
    return (bars + numbers).properties(width=WIDTH - 60, height=150, title=title)


def _names(field: str, order: list[str], *, labels: bool = True) -> alt.Y:
    axis = alt.Axis(domain=False, ticks=False, labels=labels, labelLimit=130)
    return alt.Y(f"{field}:N", sort=order, title=None, axis=axis)


def _few(count: int = 4) -> alt.Axis:
    return alt.Axis(tickCount=count)


def _hundred() -> alt.Axis:
    return alt.Axis(values=[0, 25, 50, 75, 100])
