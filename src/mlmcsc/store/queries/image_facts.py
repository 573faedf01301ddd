"""What a version says of its images, column by column.

A row object for each of a million images costs more than reading them. SQLite joins a column of
many images into one text, which is split here; whatever that cannot carry is read row by row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.store.models import images
from mlmcsc.store.queries.rows import View

Ids = NDArray[np.int64]

DENSE: Final = 4
"""Ids of which at least every fourth is wanted are read as one range."""
SEPARATOR, NULL = "\x1f", "\x1e"
"""Unit and record separator of ASCII; a path that has one is read the slow way."""
_TEXTS: Final = ("path", "content_hash", "specimen_id")
_NUMBERS: Final = ("width", "height")
_COLUMNS: Final = ("id", *_TEXTS, *_NUMBERS, "quality_score")
_BETWEEN: Final = f"SELECT {', '.join(_COLUMNS)} FROM images WHERE id BETWEEN ? AND ? ORDER BY id"
_JOINED: Final = (
    "SELECT count(*), sum(quality_score), count(quality_score), group_concat(id, char(31)), "
    + ", ".join(
        f"count({name}), group_concat(coalesce({name}, char(30)), char(31))"
        for name in (*_TEXTS, *_NUMBERS)
    )
    + " FROM images WHERE id BETWEEN ? AND ?"
)


@dataclass(frozen=True, slots=True)
class Facts:
    """Of each image, in the order of the ids that were asked for.

    Attributes:
        paths: Where its file lies.
        hashes: SHA-256 (hex) of the file.
        specimens: Its specimen.
        widths: Pixels.
        heights: Pixels.
        quality_sum: Of the images that have a score.
        quality_count: How many these are.
    """

    paths: Sequence[str]
    hashes: Sequence[str | None]
    specimens: Sequence[str | None]
    widths: Sequence[int | None]
    heights: Sequence[int | None]
    quality_sum: float
    quality_count: int


def image_facts(view: View, ids: Ids) -> Facts:
    """What is known of these images.

    Args:
        view: An open transaction.
        ids: Ascending, at least one, all of them there.
    """
    first, last = int(ids[0]), int(ids[-1])
    if last - first >= DENSE * len(ids):
        columns = [images.c[name] for name in _COLUMNS]
        query = sa.select(*columns).where(view.dialect.ids_in(images.c.id, ids))
        return _of_rows(view.conn.execute(query.order_by(images.c.id)).all())
    if view.dialect.name == "sqlite" and last - first + 1 == len(ids):
        (joined,) = view.dialect.execute(view.conn, _JOINED, (first, last))
        facts = _of_texts(joined, ids)
        if facts is not None:
            return facts
    found = view.dialect.execute(view.conn, _BETWEEN, (first, last))
    if len(found) != len(ids):
        wanted = set(ids.tolist())
        found = [row for row in found if row[0] in wanted]
    return _of_rows(found)


def _of_rows(found: Sequence[Any]) -> Facts:
    # Column by column: zip(*found) would take each of many thousand rows as an argument.
    paths, hashes, specimens, widths, heights, scores = (
        [row[at] for row in found] for at in range(1, len(_COLUMNS))
    )
    known = [score for score in scores if score is not None]
    return Facts(paths, hashes, specimens, widths, heights, float(sum(known)), len(known))


def _of_texts(joined: Sequence[Any], ids: Ids) -> Facts | None:
    """None where the texts do not say it: a separator in a text, a number that is none."""
    size, total, scored, order, *columns = joined
    # All columns are joined in one pass: the ids tell the order of the others.
    if size != len(ids) or order != SEPARATOR.join(map(str, ids.tolist())):
        return None
    try:
        paths, hashes, specimens, widths, heights = (
            _split(text, known, size)
            for known, text in zip(columns[::2], columns[1::2], strict=True)
        )
        return Facts(
            paths,
            hashes,
            specimens,
            _whole(widths),
            _whole(heights),
            float(total or 0.0),
            scored,
        )
    except ValueError:
        return None


def _split(text: str, known: int, size: int) -> list[Any]:
    """The texts of a column.

    Raises:
        ValueError: One has a character that stands for something else.
    """
    parts: list[Any] = text.split(SEPARATOR)
    if known != size:
        parts = [None if part == NULL else part for part in parts]
    if len(parts) != size or parts.count(None) != size - known:
        raise ValueError("a separator in a text")
    return parts


def _whole(parts: Sequence[str | None]) -> list[int | None]:
    return [None if part is None else int(part) for part in parts]
