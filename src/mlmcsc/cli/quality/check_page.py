"""A check of quality as one HTML file that needs nothing beside it."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlmcsc.cli.quality import check_views
from mlmcsc.errors import UnsupportedError, ValidationError

if TYPE_CHECKING:
    from mlmcsc.domain.quality.report import QualityReport

TEMPLATE = "check.html.j2"
CAPTIONS = {
    "Image quality": "Images by quality score; the dashed line is quality.min_quality_score.",
    "Error of each month's predictions": "Mean absolute error against the image's gold label, else "
    "its consensus, else its latest label, by month of the prediction; on images that the model "
    "was not trained on, where that is known.",
    "Is the confidence true?": "Share of predictions near the label, over what the model said; on "
    "the dashed line they are equal. Larger points are of more predictions; bars are exact "
    "binomial intervals of 95 %.",
    "Verified labels": "Share of each month's labels of people that a second person checked.",
}


def require_page(path: str) -> None:
    """Refuse, before any work, a page that cannot be written.

    Raises:
        ValidationError: The name does not end in `.html`.
        UnsupportedError: A package of the extra `plots` is missing.
    """
    if not path.lower().endswith((".html", ".htm")):
        raise ValidationError(f"{path}: name a page that ends in .html.")
    missing = [name for name in ("altair", "vl_convert", "jinja2") if find_spec(name) is None]
    if missing:
        raise UnsupportedError(
            f"a page needs {', '.join(missing)}; install with: pip install 'mlmcsc[plots]'"
        )


def write_page(found: QualityReport, database: str, output: str) -> None:
    """Write the page, whole or not at all."""
    from mlmcsc.adapters.tabular import draft  # noqa: PLC0415  # not for --help

    html = render(found, database)
    with draft(Path(output).absolute()) as made:
        made.path.write_text(html, encoding="utf-8")
        made.publish()


def render(found: QualityReport, database: str) -> str:
    """The page as text."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    from mlmcsc.plots.quality import panels  # noqa: PLC0415  # Altair: only here
    from mlmcsc.plots.style import svg  # noqa: PLC0415

    environment = Environment(
        # The look is that of the demo's report.
        loader=ChoiceLoader([PackageLoader("mlmcsc.cli.quality"), PackageLoader("mlmcsc.demo")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    charts = [
        (title, CAPTIONS[title], _inline(title, svg(chart.properties(title=""))))
        for title, chart in panels(found).items()
    ]
    return environment.get_template(TEMPLATE).render(
        found=found, database=database, charts=charts, views=check_views
    )


def _inline(title: str, drawn: str) -> Any:
    """A chart as part of the page: no namespaces, no fixed size, a name for screen readers.

    `Markup` vouches for the SVG: it comes from our own charts, whose texts Vega escapes.
    """
    from markupsafe import Markup  # noqa: PLC0415  # comes with jinja2

    body = re.sub(r'\s(xmlns(:xlink)?|version|class)="[^"]*"', "", drawn)
    body = re.sub(r'^(<svg)[^>]*?(viewBox="[^"]*")[^>]*>', r"\1 \2>", body.lstrip(), count=1)
    name = Markup(' role="img" aria-label="{}"').format(title)
    return Markup(body.replace("<svg", f"<svg{name}", 1))  # noqa: S704  # as said
