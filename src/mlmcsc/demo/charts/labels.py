"""What technicians say, split by split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np

from mlmcsc.plots.style import COLOURS, PERCENT, SPLITS, WIDTH, data, svg


@dataclass(frozen=True)
class SplitLabel:
    """One picture's label in [0, 1] and the split it went to."""

    split: str
    label: float


def labels_by_split(labels: Sequence[SplitLabel]) -> str:
    """Draw the distribution of labels in each split, one row per split."""
    values = {split: [one.label for one in labels if one.split == split] for split in SPLITS}
    present = [split for split in SPLITS if values[split]]
    plots = [_histogram(split, values[split], last=split == present[-1]) for split in present]
    return svg(alt.vconcat(*plots, spacing=6).resolve_scale(y="shared"))


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
