"""The pictures of drift: how channels are spread, how far they moved, and why."""

from __future__ import annotations

from typing import Any

import altair as alt

from mlmcsc.domain.drift.attribution import Attribution
from mlmcsc.domain.drift.channels import LARGE, Channel
from mlmcsc.domain.drift.report import DriftReport
from mlmcsc.plots.style import COLOURS, FAINT, INK, PERCENT, WIDTH, colour, data, dress, shape

SIDES = ("reference", "current")
MOST_PANELS = 8
MOST_CHANNELS = 30
SHOWN = 4 * LARGE
"""The largest effect that is drawn; larger ones are drawn there."""
LONGEST = 24
"""Characters of a name beside an axis."""
VERDICTS = ("steady", "drifted")


def drift_overview(report: DriftReport) -> Any:
    """Effects, distributions of what moved most, and the parts of the changed means."""
    parts = [_effects(report)] if report.tested else []
    parts += [_distributions(report)] if any(each.shares for each in report.channels) else []
    parts += [_waterfall(each) for each in report.attributions if each.total is not None]
    whole = alt.vconcat(*parts, spacing=26)
    return dress(whole.resolve_scale(color="independent", shape="independent"))


def effects(report: DriftReport) -> Any:
    """Effect of each channel; dashed lines say where it is moderate and large."""
    return dress(_effects(report))


def distributions(report: DriftReport) -> Any:
    """Both sides' shares of the bins of the channels that moved most."""
    return dress(_distributions(report))


def waterfall(found: Attribution) -> Any:
    """From the mean of the reference to that of the current period, cause by cause."""
    return dress(_waterfall(found))


def _effects(report: DriftReport) -> Any:
    shown = [each for each in report.channels if each.effect is not None][:MOST_CHANNELS]
    names = [_short(f"{each.channel}") for each in shown]
    rows = [
        {
            "channel": name,
            "effect": min(each.effect or 0.0, SHOWN),
            "verdict": VERDICTS[each.drifted],
        }
        for name, each in zip(names, shown, strict=True)
    ]
    axis = alt.Axis(domain=False, ticks=False, labelLimit=150)
    largest = min(max(each.effect or 0.0 for each in shown), SHOWN)
    scale = alt.Scale(domain=[-0.3, max(LARGE + 1, largest) + 0.3])
    y = alt.Y("channel:N", sort=names, title=None, axis=axis)
    marks = (
        alt.Chart(data(rows))
        .mark_point(filled=True, size=60, opacity=1)
        .encode(
            x=alt.X("effect:Q", title="effect: 1 moderate, 2.5 large", scale=scale),
            y=y,
            color=colour("verdict", VERDICTS),
            shape=shape("verdict", VERDICTS),
        )
    )
    limits = (
        alt.Chart(data([{"effect": 1.0}, {"effect": LARGE}]))
        .mark_rule(color=INK, strokeDash=[4, 4])
        .encode(x="effect:Q")
    )
    title = f"{len(report.drifted)} of {report.tested} channels drifted"
    return (limits + marks).properties(width=WIDTH - 110, height=18 * len(shown), title=title)


def _distributions(report: DriftReport) -> Any:
    chosen = [each for each in report.channels if each.shares is not None][:MOST_PANELS]
    return alt.vconcat(*(_panel(each) for each in chosen), spacing=14)


def _panel(channel: Channel) -> Any:
    """Bars of the reference; above them the current shares, joined where bins have an order."""
    rows, order = _share_rows(channel)
    verdict = "drifted" if channel.drifted else "steady"
    axis = alt.Axis(labelAngle=-40, labelLimit=90, labelFontSize=10)
    base = alt.Chart(data(rows)).encode(
        x=alt.X("bin:N", sort=order, title=None, axis=axis),
        y=alt.Y("share:Q", title=None, axis=alt.Axis(format=PERCENT, tickCount=3)),
        color=colour("side", SIDES),
    )
    before, now = (base.transform_filter(f"datum.side == '{side}'") for side in SIDES)
    points = now.mark_point(filled=True, size=45, opacity=1)
    lines = [now.mark_line(strokeWidth=1.5)] if channel.kind == "numbers" else []
    layers = alt.layer(before.mark_bar(opacity=0.45), *lines, points)
    return layers.properties(width=WIDTH, height=80, title=f"{channel.channel}: {verdict}")


def _share_rows(channel: Channel) -> tuple[list[dict[str, Any]], list[str]]:
    shares = channel.shares
    if shares is None:
        return [], []
    if shares.names is not None:
        names = [_short(name) for name in shares.names]
    else:
        edges = [] if shares.edges is None else shares.edges.tolist()
        names = [f"≤ {edge:.2g}" for edge in edges] + [f"> {edges[-1]:.2g}"]
    rows = []
    order = []
    for at, name in enumerate(names):
        if not shares.reference[at] and not shares.current[at]:
            continue
        label = name if name not in order else f"{name} ({at})"
        order.append(label)
        for side, counts in zip(SIDES, (shares.reference, shares.current), strict=True):
            rows.append({"bin": label, "side": side, "share": float(counts[at] / counts.sum())})
    return rows, order


def _waterfall(found: Attribution) -> Any:
    bars = _bars(found)
    lowest = min(min(bar["from"], bar["to"]) for bar in bars if bar["kind"] != "mean")
    highest = max(bar["right"] for bar in bars)
    room = (highest - lowest) or 1.0
    bottom = lowest - 0.15 * room
    for bar in bars:
        if bar["kind"] == "mean":
            bar["from"] = bottom
    order = [str(bar["step"]) for bar in bars]
    y = alt.Y("step:N", sort=order, title=None, axis=alt.Axis(domain=False, ticks=False))
    scale = alt.Scale(domain=[bottom, highest + 0.3 * room], zero=False, nice=False)
    kinds = ("mean", "part", "unexplained")
    shades = alt.Scale(domain=list(kinds), range=[FAINT, COLOURS[0], COLOURS[1]])
    base = alt.Chart(data(bars)).encode(y=y)
    drawn = base.mark_bar(height={"band": 0.6}).encode(
        x=alt.X("from:Q", scale=scale, title=f"mean of {found.of}", axis=alt.Axis(tickCount=4)),
        x2="to:Q",
        color=alt.Color("kind:N", scale=shades, legend=None),
    )
    words = base.mark_text(align="left", dx=4, color=INK, fontSize=11).encode(
        x=alt.X("right:Q", scale=scale), text="text:N"
    )
    title = f"Why {found.of} moved by {found.total:+.3g}"
    return (drawn + words).properties(width=WIDTH - 110, height=24 * len(bars), title=title)


def _bars(found: Attribution) -> list[dict[str, Any]]:
    """Both means, and between them the parts, each from where the one before ends."""
    steps = [(each.name, each.part, "part") for each in found.factors]
    steps.append(("unexplained", found.unexplained or 0.0, "unexplained"))
    at = found.reference_mean or 0.0
    bars = [_bar("reference", (at, at), "mean", f"{at:.3g}")]
    for name, part, kind in steps:
        bars.append(_bar(name, (at, at + part), kind, f"{round(part, 3) + 0.0:+.3f}"))
        at += part
    bars.append(_bar("current", (at, at), "mean", f"{at:.3g}"))
    return bars


def _bar(step: str, ends: tuple[float, float], kind: str, text: str) -> dict[str, Any]:
    named = {"step": step, "kind": kind, "text": text}
    return named | {"from": ends[0], "to": ends[1], "right": max(ends)}


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
