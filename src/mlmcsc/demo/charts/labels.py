"""What technicians say, against the truth and split by split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np

from mlmcsc.plots.style import COLOURS, PERCENT, SPLITS, WIDTH, data, share, svg


@dataclass(frozen=True)
class Judgement:
    """One label beside the truth, both in [0, 1]."""

    technician: str
    true_sfa: float
    label: float


@dataclass(frozen=True)
class SplitLabel:
    """One picture's label in [0, 1] and the split it went to."""

    split: str
    label: float


def technician_differences(judgements: Sequence[Judgement]) -> str:
    """Draw label minus truth over truth, one small plot per technician.

    Lines mark the mean difference and its limits of agreement, mean ± 1.96 s (Bland and Altman
    1986; the reference is the truth here, not the mean of two methods).
    """
    names = sorted({one.technician for one in judgements})
    plots = [_differences(name, [j for j in judgements if j.technician == name]) for name in names]
    return svg(alt.concat(*plots, columns=2, spacing=14).resolve_scale(y="shared", x="shared"))


def labels_by_split(labels: Sequence[SplitLabel]) -> str:
    """Draw the distribution of labels in each split, one row per split."""
    values = {split: [one.label for one in labels if one.split == split] for split in SPLITS}
    present = [split for split in SPLITS if values[split]]
    plots = [_histogram(split, values[split], last=split == present[-1]) for split in present]
    return svg(alt.vconcat(*plots, spacing=6).resolve_scale(y="shared"))


def _differences(name: str, judgements: Sequence[Judgement]) -> Any:
    off = np.array([one.label - one.true_sfa for one in judgements])
    mean, spread = float(off.mean()), 1.96 * float(off.std(ddof=1)) if off.size > 1 else 0.0
    points = [{"true": one.true_sfa, "off": one.label - one.true_sfa} for one in judgements]
    lines = [{"at": mean, "kind": "mean"}]
    lines += [{"at": mean + sign * spread, "kind": "limit"} for sign in (-1, 1)]
    y = alt.Y("off:Q", title="label − truth", axis=alt.Axis(format="+.0%", tickCount=5))  # noqa: RUF001 (a true minus sign)
    dots = alt.Chart(data(points)).mark_point(filled=True, size=24, opacity=0.65, color=COLOURS[0])
    rules = alt.Chart(data(lines)).mark_rule(color=COLOURS[1], strokeWidth=2)
    dash = alt.StrokeDash(
        "kind:N", legend=None, scale=alt.Scale(domain=["mean", "limit"], range=[[1, 0], [5, 4]])
    )
    layers = dots.encode(x=share(alt.X, "true", "truth"), y=y)
    layers += rules.encode(y="at:Q", strokeDash=dash)
    return layers.properties(width=112, height=110, title=name)


def _histogram(split: str, labels: Sequence[float], *, last: bool) -> Any:
    counts, edges = np.histogram(labels, bins=10, range=(0, 1))
    bars = [
        {"from": float(low), "to": float(high), "count": int(count)}
        for count, low, high in zip(counts, edges[:-1], edges[1:], strict=True)
    ]
    x = alt.X(
        "from:Q",
        bin="binned",
        axis=alt.Axis(format=PERCENT, labels=last, ticks=last),
        title="label" if last else None,
        scale=alt.Scale(domain=[0, 1]),
    )
    y = alt.Y("count:Q", title="images", axis=alt.Axis(tickCount=3, tickMinStep=1))
    chart = alt.Chart(data(bars)).mark_bar(color=COLOURS[SPLITS.index(split)], binSpacing=1)
    noun = "image" if len(labels) == 1 else "images"
    title = f"{split}: {len(labels)} {noun}"
    return chart.encode(x=x, x2="to:Q", y=y).properties(width=WIDTH, height=56, title=title)
