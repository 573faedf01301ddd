"""How every plot looks.

Drawn some 360 px wide, the width of a phone's column, and scaled up elsewhere, so letters stay
readable on both. Colours are those of Okabe and Ito (2008), told apart by colour-blind readers;
shapes repeat what colours say.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any, Final

import altair as alt
import vl_convert

from mlmcsc.domain.release import DRAWN_BY

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
SHAPES = ("circle", "triangle-up", "square", "diamond")
SPLITS = ("train", "val", "test")
INK, FAINT = "#5b6470", "#9aa3ad"
WIDTH, HEIGHT = 290, 250
PERCENT = ".0%"
FIRST_CHUNKS = 33
"""Bytes of a PNG's signature and its header chunk (W3C PNG, 5.2 and 11.2.2)."""
SCALE = 2.0
"""Pixels of a PNG per point of the drawing: letters are sharp on today's screens."""
_WORDS = {"labelColor": INK, "titleColor": INK, "labelFontSize": 12, "titleFontSize": 13}
STYLE: Final[dict[str, Any]] = {
    "background": "transparent",
    "font": "sans-serif",
    "padding": 4,
    "axis": {
        **_WORDS,
        "titleFontWeight": "normal",
        "gridColor": FAINT,
        "gridOpacity": 0.3,
        "domainColor": FAINT,
        "tickColor": FAINT,
    },
    "legend": {**_WORDS, "symbolSize": 80},
    "title": {"color": INK, "fontSize": 13, "anchor": "start", "fontWeight": "bold"},
    "view": {"stroke": None},
}
"""Part of each chart, not an Altair theme: that would change the reader's own charts too."""


def data(rows: list[dict[str, Any]]) -> alt.InlineData:
    """Wrap rows for a chart."""
    return alt.InlineData(values=rows)


def share(channel: type[alt.X | alt.Y], field: str, title: str) -> alt.X | alt.Y:
    """Return an axis of a share, from 0 to 100 %."""
    axis, scale = alt.Axis(format=PERCENT, tickCount=5), alt.Scale(domain=[0, 1])
    return channel(f"{field}:Q", title=title, axis=axis, scale=scale)


def colour(field: str, domain: Sequence[str]) -> alt.Color:
    """Tell the values of a field apart by colour."""
    scale = alt.Scale(domain=list(domain), range=list(COLOURS[: len(domain)]))
    return alt.Color(f"{field}:N", scale=scale, legend=_legend(field))


def shape(field: str, domain: Sequence[str]) -> alt.Shape:
    """Tell the values of a field apart by the shape of their points."""
    scale = alt.Scale(domain=list(domain), range=list(SHAPES[: len(domain)]))
    return alt.Shape(f"{field}:N", scale=scale, legend=_legend(field))


def dress(chart: Any) -> Any:
    """Return a copy in the house's style, wherever it is shown; what Altair shows else stays.

    A dressed chart cannot become a part of another: dress the whole.
    """
    dressed = chart.copy(deep=False)
    dressed.config = alt.Config(**STYLE)
    return dressed


def svg(chart: alt.TopLevelMixin) -> str:
    """Return the chart as SVG text, in the house's style."""
    return str(vl_convert.vegalite_to_svg(dress(chart).to_dict()))


def png(chart: alt.TopLevelMixin) -> bytes:
    """Return the chart as a PNG on white, as a PNG is looked at on any background."""
    opened, sign, rest = svg(chart).partition(">")
    on_white = f'{opened}{sign}<rect width="100%" height="100%" fill="white"/>{rest}'
    drawn = bytes(vl_convert.svg_to_png(on_white, scale=SCALE))
    length = len(DRAWN_BY) - 4  # a chunk is length, type, text, checksum of type and text
    signed = length.to_bytes(4) + DRAWN_BY + zlib.crc32(DRAWN_BY).to_bytes(4)
    return drawn[:FIRST_CHUNKS] + signed + drawn[FIRST_CHUNKS:]


def _legend(field: str) -> alt.Legend:
    return alt.Legend(orient="top", direction="horizontal", title=field, symbolOpacity=1)
