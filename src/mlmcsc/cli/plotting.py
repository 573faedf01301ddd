"""Files with plots: refused before any work, written whole or not at all."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from mlmcsc.errors import UnsupportedError, ValidationError

SUFFIXES: Final = (".svg", ".png")


def require_plots(path: str) -> None:
    """Refuse, before any work, a plot that cannot be drawn.

    Raises:
        ValidationError: The name ends neither in `.svg` nor in `.png`.
        UnsupportedError: A package of the extra `plots` is missing.
    """
    if not path.lower().endswith(SUFFIXES):
        raise ValidationError(f"{path}: name a plot that ends in .svg or .png.")
    missing = [name for name in ("altair", "vl_convert") if find_spec(name) is None]
    if missing:
        raise UnsupportedError(
            f"a plot needs {', '.join(missing)}; install with: pip install 'mlmcsc[plots]'"
        )


def write_plot(chart: Any, output: str) -> None:
    """Write an Altair chart as SVG or PNG, by the file's ending, whole or not at all."""
    from mlmcsc.adapters.tabular import draft  # noqa: PLC0415  # not for --help
    from mlmcsc.plots.style import png, svg  # noqa: PLC0415  # imports Altair

    path = Path(output).absolute()
    vector = path.suffix.lower() == ".svg"
    drawn = svg(chart).encode() if vector else png(chart)
    with draft(path) as made:
        made.path.write_bytes(drawn)
        made.publish()
