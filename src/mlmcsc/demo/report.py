"""The demo's outcome as one HTML file that needs nothing beside it."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray

from mlmcsc.domain.quality.accuracy import Accuracy

THUMBNAIL_PX = 240
TEMPLATE = "report.html.j2"
MINUS = "\N{MINUS SIGN}"
NBSP = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Picture:
    """One image of the report.

    Attributes:
        filename: without folders.
        specimen_id: the bar it shows; pictures of one bar must follow each other.
        about: what to know of the bar, such as `A508, L-T, KV 110 J`.
        temperature_c: test temperature, in degrees Celsius.
        split: `train`, `val` or `test`.
        true_sfa: true shear fraction in [0, 1].
        predicted: the model's, in [0, 1].
        confidence: the model's, in [0, 1].
        label: the technicians', in [0, 1]; None where nobody looked.
        jpeg: the thumbnail's file content.
    """

    filename: str
    specimen_id: str
    about: str
    temperature_c: float
    split: str
    true_sfa: float
    predicted: float
    confidence: float
    label: float | None
    jpeg: bytes


@dataclass(frozen=True)
class TechnicianRow:
    """How one technician did against the truth."""

    name: str
    experience_level: str
    seconds_per_label: float
    metrics: Accuracy


@dataclass(frozen=True)
class SplitRow:
    """What went into one split."""

    name: str
    images: int
    specimens: Sequence[str]
    mean_label: float


@dataclass(frozen=True)
class Chart:
    """A plot, with a sentence on how to read it."""

    title: str
    caption: str
    svg: str


@dataclass(frozen=True)
class ReportData:
    """All that the report tells.

    Attributes:
        title: heading.
        made_at: time of the run.
        model: the model against the truth on specimens it never saw.
        baseline_mae: mean absolute error, on the same pictures, of answering the training mean.
        technicians: every technician against the truth.
        splits: in the order train, val, test.
        pictures: in the order to show, those of one specimen together.
        charts: in the order to show.
        judgements: name and words of what the quality services say, without the truth.
        quality_charts: theirs, in the order to show.
        facts: name and value of anything else worth knowing about the run.
        steps: command and what it does, to go on from here.
    """

    title: str
    made_at: datetime
    model: Accuracy
    baseline_mae: float
    technicians: Sequence[TechnicianRow]
    splits: Sequence[SplitRow]
    pictures: Sequence[Picture]
    charts: Sequence[Chart]
    judgements: Sequence[tuple[str, str]]
    quality_charts: Sequence[Chart]
    facts: Sequence[tuple[str, str]]
    steps: Sequence[tuple[str, str]]


def write_report(path: Path, data: ReportData) -> Path:
    """Write the report.

    Args:
        path: the HTML file; its folder is made when missing.
        data: what to tell.

    Returns:
        `path`.

    Raises:
        OSError: the file cannot be written.
    """
    environment = Environment(
        loader=PackageLoader("mlmcsc.demo"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": _percent, "signed": _signed, "degrees": _degrees}
    environment.filters |= {"jpeg_uri": _jpeg_uri, "minus": _minus}
    specimens = [list(same) for _, same in groupby(data.pictures, lambda p: p.specimen_id)]
    labelled = sum(row.metrics.n for row in data.technicians)
    people = sum(row.metrics.mae * row.metrics.n for row in data.technicians) / max(labelled, 1)
    html = environment.get_template(TEMPLATE).render(
        data=data,
        specimens=specimens,
        labels=labelled,
        people_mae=people,
        inline=_inline,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html, encoding="utf-8")
    return path


def thumbnail(pixels: NDArray[Any], side_px: int = THUMBNAIL_PX) -> bytes:
    """Return a small JPEG of an 8-bit picture.

    Args:
        pixels: uint8 (H, W) or (H, W, 3) red-green-blue.
        side_px: longer side of the result.
    """
    factor = side_px / max(pixels.shape[:2])
    small = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    if small.ndim == 3:  # noqa: PLR2004 (colour; OpenCV writes blue first)
        small = np.ascontiguousarray(small[..., ::-1])
    return cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 82])[1].tobytes()


def _inline(chart: Chart) -> Markup:
    """Make a chart part of the page: no namespaces, no fixed size, a name for screen readers.

    `Markup` vouches for the SVG: it comes from our own charts, whose texts Vega escapes.
    """
    body = re.sub(r'\s(xmlns(:xlink)?|version|class)="[^"]*"', "", chart.svg)
    body = re.sub(r'^(<svg)[^>]*?(viewBox="[^"]*")[^>]*>', r"\1 \2>", body.lstrip(), count=1)
    name = Markup(' role="img" aria-label="{}"').format(chart.title)
    return Markup(body.replace("<svg", f"<svg{name}", 1))  # noqa: S704 (see above)


def _percent(share: float, digits: int = 0) -> str:
    return f"{100 * share:.{digits}f}{NBSP}%"


def _signed(share: float, digits: int = 1) -> str:
    return _minus(f"{100 * share:+.{digits}f}{NBSP}%")


def _minus(words: str) -> str:
    """Make true minus signs of the hyphens before numbers."""
    return re.sub(r"(?<![\w-])-(?=\d)", MINUS, words)


def _degrees(celsius: float) -> str:
    return _minus(f"{celsius:.0f}{NBSP}°C")


def _jpeg_uri(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")
