"""Which images fit what a version is asked to be narrowed to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.store.models import images, specimens
from mlmcsc.store.queries.rows import View

REASONS: Final = {
    "specimen_ids": "of other specimens",
    "material": "of other materials",
    "heat": "of other heats",
    "min_quality": "quality too low or unknown",
    "since": "taken earlier",
    "until": "taken later",
}
"""Why an image is left out, by the keyword that leaves it out."""


def images_that_fit(view: View, name: str, value: Any) -> NDArray[np.int64]:
    """Ids of the images that one condition of `REASONS` lets in, ascending.

    Args:
        view: An open transaction.
        name: The keyword.
        value: What `mlmcsc.domain.selection.check_images` gave.
    """
    query = sa.select(images.c.id).where(_CONDITIONS[name](view, value)).order_by(images.c.id)
    if name in {"since", "until"}:  # the raw reader of numbers does not encode times
        found = view.conn.scalars(query).all()
        return np.fromiter(found, dtype=np.int64, count=len(found))
    numbers = view.dialect.read_numbers(view.conn, query, np.dtype([("id", "<i8")]))
    return np.ascontiguousarray(numbers["id"])


def _of_specimens(column: sa.Column[Any]) -> Callable[[View, Any], sa.ColumnElement[bool]]:
    wanted = sa.select(specimens.c.specimen_id)
    return lambda _view, value: images.c.specimen_id.in_(wanted.where(column == value))


_CONDITIONS: dict[str, Callable[[View, Any], sa.ColumnElement[bool]]] = {
    "specimen_ids": lambda view, value: view.dialect.ids_in(images.c.specimen_id, value),
    "material": _of_specimens(specimens.c.material),
    "heat": _of_specimens(specimens.c.heat),
    "min_quality": lambda _view, value: images.c.quality_score >= value,
    "since": lambda _view, value: images.c.timestamp >= value,
    "until": lambda _view, value: images.c.timestamp < value,
}
