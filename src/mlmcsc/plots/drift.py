"""The pictures of drift: how far channels moved, how they are spread, and what it came with."""

from __future__ import annotations

from typing import Any

import altair as alt

from mlmcsc.domain.drift.attribution import Attribution, Part
from mlmcsc.domain.drift.channels import LARGE, Channel
from mlmcsc.domain.drift.report import DriftReport
from mlmcsc.plots.style import INK, PERCENT, WIDTH, colour, data, dress, shape

SIDES = ("reference", "current")
MOST_PANELS = 12
MOST_CHANNELS = 30
SHOWN = 4 * LARGE
"""The end of the axis of effects; larger ones stand there as an arrow, with their number."""
LONGEST = 24
"""Characters of a name beside an axis."""
VERDICTS = ("steady", "drifted", "not certain")
KINDS = ("mean", "part", "may be 0")


def drift_overview(report: DriftReport) -> Any:
    """Effects, distributions of what moved most, and the parts of the changed means.

    A report in which nothing was tested has nothing to draw: an empty picture.
    """
    parts = [_effects(report)] if report.tested else []
    parts += [_distributions(report)] if any(each.shares for each in report.channels) else []
    parts += [_waterfall(each) for each in report.attributions if each.total is not None]
    whole = alt.vconcat(*parts, spacing=26)
    return dress(whole.resolve_scale(color="independent", shape="independent"))


def effects(report: DriftReport) -> Any:
    """Effect of each channel; dashed lines say where it is moderate and large."""
    return dress(_effects(report))


def distributions(report: DriftReport) -> Any:
    """How both sides of the channels that moved most are spread over bins of equal width."""
    return dress(_distributions(report))


def waterfall(found: Attribution) -> Any:
    """From the mean of the reference to that of the current side, step by step, with intervals."""
    return dress(_waterfall(found))


def _word(channel: Channel) -> str:
    return "drifted" if channel.drifted else channel.verdict


def _effects(report: DriftReport) -> Any:
    shown = [each for each in report.channels if each.effect is not None][:MOST_CHANNELS]
    names = [_short(f"{each.channel}") for each in shown]
    rows = [
        {
            "channel": name,
            "effect": min(each.effect or 0.0, SHOWN),
            "verdict": _word(each),
            "beyond": f"{each.effect:.0f} →" if (each.effect or 0.0) > SHOWN else "",
        }
        for name, each in zip(names, shown, strict=True)
    ]
    axis = alt.Axis(domain=False, ticks=False, labelLimit=150)
    largest = min(max(each.effect or 0.0 for each in shown), SHOWN)
    scale = alt.Scale(domain=[-0.3, max(LARGE + 1, largest) + 0.3])
    x = alt.X("effect:Q", title="effect: 1 moderate, 2.5 large", scale=scale)
    base = alt.Chart(data(rows)).encode(
        x=x, y=alt.Y("channel:N", sort=names, title=None, axis=axis)
    )
    marks = base.mark_point(filled=True, size=60, opacity=1).encode(
        color=colour("verdict", VERDICTS), shape=shape("verdict", VERDICTS)
    )
    beyond = base.mark_text(align="right", dx=-8, color=INK, fontSize=11).encode(text="beyond:N")
    limits = (
        alt.Chart(data([{"effect": 1.0}, {"effect": LARGE}]))
        .mark_rule(color=INK, strokeDash=[4, 4])
        .encode(x="effect:Q")
    )
    title = f"{len(report.drifted)} of {report.tested} channels drifted"
    height = 18 * len(shown)
    return (limits + marks + beyond).properties(width=WIDTH - 110, height=height, title=title)


def _distributions(report: DriftReport) -> Any:
    chosen = [each for each in report.channels if each.shares is not None][:MOST_PANELS]
    return alt.vconcat(*(_panel(each) for each in chosen), spacing=14)


def _panel(channel: Channel) -> Any:
    """Reference as an area, current as a line; dots where categories have no order."""
    title = alt.TitleParams(channel.channel, subtitle=_word(channel), subtitleColor=INK)
    ordered = channel.drawn is not None
    rows = _bin_rows(channel) if ordered else _category_rows(channel)
    kind = alt.Axis(format=PERCENT, tickCount=3)
    base = alt.Chart(data(rows)).encode(color=colour("side", SIDES))
    before, now = (base.transform_filter(f"datum.side == '{side}'") for side in SIDES)
    if ordered:
        scale = alt.Scale(zero=False, nice=False)
        x = alt.X("from:Q", title=None, scale=scale, axis=alt.Axis(tickCount=5))
        y = alt.Y("share:Q", title=None, axis=kind)
        bars = before.mark_bar(opacity=0.4).encode(x=x, x2="to:Q", y=y, y2="zero:Q")
        line = now.mark_rule(strokeWidth=2.5).encode(x=x, x2="to:Q", y=y)
        return (bars + line).properties(width=WIDTH, height=70, title=title)
    y = alt.Y("bin:N", title=None, sort=None, axis=alt.Axis(labelLimit=150, ticks=False))
    x = alt.X("share:Q", title=None, axis=kind, scale=alt.Scale(zero=True))
    bars = before.mark_bar(opacity=0.4).encode(x=x, y=y)
    dots = now.mark_point(filled=True, size=60, opacity=1).encode(x=x, y=y)
    height = 9 * len(rows)
    return (bars + dots).properties(width=WIDTH - 110, height=height, title=title)


def _bin_rows(channel: Channel) -> list[dict[str, Any]]:
    """Bins of equal width; the two outer ones, which are open, are drawn as wide as the next."""
    shares = channel.drawn
    if shares is None or shares.edges is None:
        return []
    inner = shares.edges.tolist()
    width = inner[1] - inner[0] if len(inner) > 1 else abs(inner[0]) / 10 or 1.0
    last = inner[-1] - inner[-2] if len(inner) > 1 else width
    edges = [inner[0] - width, *inner, inner[-1] + last]
    return [
        {
            "from": edges[at],
            "to": edges[at + 1],
            "side": side,
            "share": float(counts[at] / counts.sum()),
            "zero": 0.0,
        }
        for side, counts in zip(SIDES, (shares.reference, shares.current), strict=True)
        for at in range(len(counts))
    ]


def _category_rows(channel: Channel) -> list[dict[str, Any]]:
    shares = channel.shares
    if shares is None or shares.names is None:
        return []
    both = (shares.reference, shares.current)
    return [
        {"bin": _short(name), "side": side, "share": float(counts[at] / counts.sum())}
        for at, name in enumerate(shares.names)
        if both[0][at] or both[1][at]
        for side, counts in zip(SIDES, both, strict=True)
    ]


def _waterfall(found: Attribution) -> Any:
    """Dots, not bars: the axis need not begin at 0. A step's interval is that of its part."""
    rows = _steps(found)
    order = [str(row["step"]) for row in rows]
    low, high = min(row["low"] for row in rows), max(row["high"] for row in rows)
    room = (high - low) or 1.0
    scale = alt.Scale(domain=[low - 0.05 * room, high + 0.05 * room], zero=False, nice=False)
    lines = "split(datum.label, '|')"
    axis = alt.Axis(domain=False, ticks=False, labelLimit=150, labelExpr=lines)
    y = alt.Y("step:N", sort=order, title=None, axis=axis)
    base = alt.Chart(data(rows)).encode(y=y)
    x = alt.X("to:Q", scale=scale, title=f"mean of {found.of}", axis=alt.Axis(tickCount=4))
    moves = base.mark_rule(color=INK, strokeDash=[2, 2]).encode(
        x=alt.X("from:Q", scale=scale), x2="to:Q"
    )
    spread = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", scale=scale), x2="high:Q", color=colour("kind", KINDS)
    )
    dots = base.mark_point(filled=True, size=60, opacity=1).encode(
        x=x, color=colour("kind", KINDS), shape=shape("kind", KINDS)
    )
    words = base.mark_text(dy=-9, color=INK, fontSize=11).encode(x=x, text="text:N")
    total = found.total
    chance = "" if total is None or total.certain else " (may be chance)"
    title = f"{found.of.capitalize()} moved by {_signed(total)}{chance}"
    height = 34 * len(rows)
    return (moves + spread + dots + words).properties(width=WIDTH - 110, height=height, title=title)


def _steps(found: Attribution) -> list[dict[str, Any]]:
    """Both means, and between them the parts, each from where the one before ends."""
    at = found.reference_mean or 0.0
    rows = [_step("reference", at, at, Part(0.0, 0.0, 0.0), "mean")]
    for name, part in found.steps:
        kind = "part" if part.certain else "may be 0"
        rows.append(_step(name.replace(" and ", "| and "), at, at + part.value, part, kind))
        at += part.value
    rows.append(_step("current", at, at, Part(0.0, 0.0, 0.0), "mean"))
    return rows


def _step(name: str, start: float, end: float, part: Part, kind: str) -> dict[str, Any]:
    text = f"{start:.3g}" if kind == "mean" else _signed(part)
    ends = {
        "text": text,
        "from": start,
        "to": end,
        "low": start + part.low,
        "high": start + part.high,
    }
    return {"step": name, "kind": kind} | ends


def _signed(part: Part | None) -> str:
    return "" if part is None else f"{round(part.value, 3) + 0.0:+.3f}"


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
