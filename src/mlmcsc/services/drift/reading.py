"""One side of a comparison, as arrays: of a period, or of a version."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mlmcsc.adapters.frozen_tables import FrozenTable
from mlmcsc.domain.drift.periods import Period
from mlmcsc.domain.image_quality.components import NAMES as COMPONENTS
from mlmcsc.store.queries import drift as queries
from mlmcsc.store.queries.drift import ABSENT, Codes
from mlmcsc.store.queries.rows import View

Columns = dict[str, NDArray[Any]]
SMALL: Final = np.float32
"""Facts and scores of images: a dozen columns of a million images are 48 MB."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What belongs to a side.

    Attributes:
        name: For people.
        period: When.
        table: Rows of a version; None for a period.
    """

    name: str
    period: Period
    table: FrozenTable | None = None

    @property
    def span(self) -> tuple[Any, Any]:
        """From when until when."""
        return self.period.start, self.period.end

    def of(self, images: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these images are in it."""
        if self.table is None:
            return np.ones(len(images), dtype=bool)
        ids = self.table.image_ids
        at = np.minimum(np.searchsorted(ids, images), max(len(ids) - 1, 0))
        inside: NDArray[np.bool_] = ids[at] == images if len(ids) else np.zeros(len(images), bool)
        return inside


@dataclass(frozen=True, slots=True)
class Coded:
    """The texts behind codes, read once for both sides."""

    machine: Codes
    kind: Codes
    model: Codes


def coded(view: View) -> Coded:
    """Read them."""
    return Coded(queries.machines(view), queries.label_types(view), queries.models_shown(view))


def images_of(view: View, asked: Asked, texts: Coded) -> Columns:
    """Images with facts and scores; NaN where one is unknown."""
    names = ("id", "cluster", "machine", *queries.FACTS, "quality_score", *COMPONENTS)
    pages = queries.image_rows(view, texts.machine, asked.span)
    most = queries.count(view, "images", asked.span)
    return _gathered(asked, pages, names, SMALL, most)


def predictions_of(view: View, asked: Asked, texts: Coded) -> Columns:
    """Predictions with their models."""
    names = ("cluster", "machine", "model", "value", "confidence")
    pages = queries.prediction_rows(view, texts.machine, asked.span)
    most = queries.count(view, "predictions", asked.span)
    return _gathered(asked, pages, names, np.float64, most)


def yardstick(view: View, sides: tuple[Asked, Asked]) -> int | None:
    """The model that predicted most before labels were made, on the side where it did least."""
    first, second = (queries.predicted_before(view, side.span) for side in sides)
    shared = first.keys() & second.keys()
    return max(shared, key=lambda at: (min(first[at], second[at]), at), default=None)


def labels_of(
    view: View,
    asked: Asked,
    texts: Coded,
    restricted: NDArray[np.int64],
    yardstick: int | None,
) -> tuple[Columns, int]:
    """Labels with their raters, and how many were left out: those of restricted people."""
    left_out = 0

    def pages() -> Iterator[NDArray[Any]]:
        nonlocal left_out
        codes = (texts.machine, texts.kind, texts.model)
        for page in queries.label_rows(view, codes, asked.span, yardstick):
            theirs = np.isin(page["rater"], restricted)
            left_out += int((theirs & asked.of(page["image"])).sum())
            yield page[~theirs]

    names = ("cluster", "machine", "rater", "type", "model", "value", "predicted")
    most = queries.count(view, "labels", asked.span)
    return _gathered(asked, pages(), names, np.float64, most), left_out


def frozen_labels(
    table: FrozenTable, images: Columns, restricted: NDArray[np.int64]
) -> tuple[Columns, int]:
    """Labels as a version froze them, one an image; specimens and instruments as of today."""
    keep = np.ones(table.n_rows, dtype=bool)
    keep[table.rows_of_people(restricted)] = False
    ids, values = table.image_ids[keep], table.labels[keep]
    at = np.minimum(np.searchsorted(images["id"], ids), max(len(images["id"]) - 1, 0))
    there = images["id"][at] == ids if len(images["id"]) else np.zeros(len(ids), bool)
    return {
        "cluster": images["cluster"][at[there]],
        "machine": images["machine"][at[there]],
        "value": values[there],
    }, int((~keep).sum())


def _gathered(
    asked: Asked, pages: Iterator[NDArray[Any]], names: tuple[str, ...], real: Any, most: int
) -> Columns:
    """Pages narrowed to what belongs to the side, each column in its final width and place."""
    columns = {name: np.empty(most, _kind(name, real)) for name in names}
    n = 0
    for page in pages:
        mine = page if asked.table is None else page[asked.of(page["image"])]
        for name in names:
            column = mine[name]
            if column.dtype.kind == "f":
                column = np.where(column == ABSENT, np.nan, column)
            with np.errstate(over="ignore"):  # infinite then, and told of as too large
                columns[name][n : n + len(mine)] = column
        n += len(mine)
    return {name: column[:n] for name, column in columns.items()}


def _kind(name: str, real: Any) -> Any:
    if name in {"id", "cluster"}:
        return np.int64
    return np.int32 if name in {"machine", "model", "rater", "type"} else real
