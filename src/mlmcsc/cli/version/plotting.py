"""The picture of a difference between two versions, in the style of the demo's charts."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mlmcsc.errors import UnsupportedError, ValidationError

if TYPE_CHECKING:
    from mlmcsc.domain.versions.diff import VersionDiff

SUFFIXES: Final = (".svg", ".png")
SCALE: Final = 2.0
"""Pixels of a PNG per point of the drawing, so that letters are sharp on today's screens."""
CHANGES: Final = ("added", "removed", "relabelled", "moved", "redacted")


def require_plots(path: str) -> None:
    """Refuse, before any work, a plot that cannot be drawn.

    Raises:
        ValidationError: The name ends neither in `.svg` nor in `.png`.
        UnsupportedError: A package of the extra `demo` is missing.
    """
    if not path.lower().endswith(SUFFIXES):
        raise ValidationError(f"{path}: name a plot that ends in .svg or .png.")
    missing = [name for name in ("altair", "vl_convert") if find_spec(name) is None]
    if missing:
        raise UnsupportedError(
            f"a plot needs {', '.join(missing)}; install with: pip install 'mlmcsc[demo]'"
        )


def draw_diff(found: VersionDiff, output: str) -> None:
    """Draw how many images changed in which way, and the histogram of label differences."""
    import altair as alt  # noqa: PLC0415  # heavy: only for plots
    import vl_convert  # noqa: PLC0415  # likewise

    from mlmcsc.adapters.tabular import draft  # noqa: PLC0415  # not for --help
    from mlmcsc.demo.charts.style import svg  # noqa: PLC0415  # imports Altair

    parts = [_counts(found)]
    if found.histogram:
        parts.append(_differences(found))
    drawn = svg(alt.vconcat(*parts, spacing=18))
    path = Path(output).absolute()
    with draft(path) as made:
        if path.suffix.lower() == ".svg":
            made.path.write_text(drawn, encoding="utf-8")
        else:
            opened, sign, rest = drawn.partition(">")  # a PNG is looked at on any background
            on_white = f'{opened}{sign}<rect width="100%" height="100%" fill="white"/>{rest}'
            made.path.write_bytes(vl_convert.svg_to_png(on_white, scale=SCALE))
        made.publish()


def _counts(found: VersionDiff) -> Any:
    import altair as alt  # noqa: PLC0415  # heavy: only for plots

    from mlmcsc.demo.charts.style import COLOURS, INK, WIDTH, data  # noqa: PLC0415

    shown = [name for name in CHANGES if name != "redacted" or found.redacted]
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
    import altair as alt  # noqa: PLC0415  # heavy: only for plots

    from mlmcsc.demo.charts.style import COLOURS, INK, WIDTH, data  # noqa: PLC0415

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
