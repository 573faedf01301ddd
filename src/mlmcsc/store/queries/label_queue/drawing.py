"""Images drawn at random from large tables, without sorting or listing them.

Numbers between the lowest and the highest key are drawn, and those kept that are keys of a
suitable row (rejection sampling): every such row has the same chance, whatever the gaps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.store.models import features, images, labels
from mlmcsc.store.queries.features import FeatureSet
from mlmcsc.store.queries.label_queue.candidates import (
    VALID,
    Asking,
    free_new,
    free_overlap,
    unlabelled,
    usable,
)
from mlmcsc.store.queries.rows import View

Ids = NDArray[np.int64]
Conditions = list[sa.ColumnElement[bool]]
_ID = np.dtype([("id", "<i8")])
WINDOW, WIDEST = 256, 8192
"""Numbers of the first draw, each later one is twice as large, and of the largest."""
PROBED = 32_768
"""Numbers drawn before the few rows that are left are listed."""
LOOKED = 8_192
"""Labels looked at for overlap, whether they give enough images or not."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Rows of one table, each standing for an image.

    Attributes:
        key: What is drawn: a column of which each value stands for one row.
        image: The row's image.
        within: Tells the part of the table that is dense in `key`.
        suitable: Which rows of that part count.
    """

    key: sa.Column[int]
    image: sa.Column[int]
    within: Conditions = field(default_factory=list)
    suitable: Conditions = field(default_factory=list)

    def span(self, view: View) -> tuple[int, int]:
        """Lowest and highest key; 1 and 0 where there is none."""
        # Two queries: of one that asks for both, SQLite reads the whole table.
        low, high = (
            view.conn.scalar(sa.select(of(self.key)).where(*self.within))
            for of in (sa.func.min, sa.func.max)
        )
        return (1, 0) if low is None or high is None else (int(low), int(high))

    def among(self, view: View, keys: list[int]) -> dict[int, int]:
        """The image of each suitable row with one of these keys."""
        query = sa.select(self.key, self.image).where(
            view.dialect.ids_in(self.key, keys), *self.within, *self.suitable
        )
        return {row[0]: row[1] for row in view.conn.execute(query)}

    def every(self, view: View) -> Ids:
        """The image of each suitable row."""
        query = sa.select(self.image.label("id")).where(*self.within, *self.suitable)
        found = view.dialect.read_numbers(view.conn, query.order_by(self.image), _ID)
        return np.ascontiguousarray(found["id"])


def drawn(
    view: View, pool: Pool, rng: np.random.Generator, *, most: int | None = None, whole: bool = True
) -> Iterator[list[int]]:
    """Images of the pool in random order, in lots; some may come twice.

    Args:
        view: An open transaction.
        pool: What to draw from.
        rng: Draws.
        most: So many numbers are drawn, and no more; left out, `PROBED`.
        whole: Whether all rows come after these; in a short table they come anyway.
    """
    low, high = pool.span(view)
    window, tried, limit = WINDOW, 0, PROBED if most is None else most
    while high - low >= WIDEST and tried < limit:
        keys = list(dict.fromkeys(rng.integers(low, high + 1, window).tolist()))
        found = pool.among(view, keys)
        yield [found[key] for key in keys if key in found]
        tried += window
        window = min(window * 2, WIDEST)
    if whole or high - low < WIDEST:
        yield rng.permutation(pool.every(view)).tolist()


def first(lots: Iterable[list[int]], count: int) -> tuple[list[int], bool]:
    """The first images of the lots, each once, and whether there are no more."""
    found: dict[int, None] = {}
    for lot in lots:
        found.update(dict.fromkeys(lot))
        if len(found) >= count:
            return list(found)[:count], False
    return list(found), True


def at_random(view: View, asking: Asking, rng: np.random.Generator) -> Iterator[list[int]]:
    """Unlabelled images, all with the same chance."""
    c = images.c
    for ids in drawn(view, Pool(c.id, c.id, suitable=[VALID, unlabelled(c.id)]), rng):
        for start in range(0, len(ids), WIDEST):
            yield free_new(view, asking, ids[start : start + WIDEST], labelled=False)


def unlabelled_with(view: View, kind: FeatureSet, count: int, rng: np.random.Generator) -> Ids:
    """Unlabelled images that have such a vector."""
    c: Any = features.c
    pool = Pool(c.image_id, c.image_id, _of(kind), [unlabelled(c.image_id)])
    return np.asarray(first(drawn(view, pool, rng), count)[0], dtype=np.int64)


def labelled_with(view: View, kind: FeatureSet, count: int, rng: np.random.Generator) -> Ids:
    """Labelled images that have such a vector; those with many labels come rather."""
    c: Any = labels.c
    has = sa.exists().where(features.c.image_id == c.image_id, *_of(kind))
    pool = Pool(c.id, c.image_id, suitable=[has])
    return np.asarray(first(drawn(view, pool, rng, whole=False), count)[0], dtype=np.int64)


def _of(kind: FeatureSet) -> Conditions:
    c = features.c
    return [
        c.feature_type == kind.feature_type,
        c.extractor_version == kind.extractor_version,
    ]


def for_overlap(
    view: View, asking: Asking, raters: int, rng: np.random.Generator
) -> Iterator[list[int]]:
    """Images that fewer than `raters` colleagues labelled or have, and the technician not.

    Of `LOOKED` labels drawn at random: that no image is left can be told of all only by looking at
    all, and nobody is to wait for that.
    """
    for ids in drawn(view, _labels(view, asking), rng, most=LOOKED, whole=False):
        yield free_overlap(view, asking, list(dict.fromkeys(ids)), raters)


def labelled(view: View, asking: Asking, count: int, rng: np.random.Generator) -> list[int]:
    """Images with labels that may be used."""
    return first(drawn(view, _labels(view, asking), rng, whole=False), count)[0]


def _labels(view: View, asking: Asking) -> Pool:
    c: Any = labels.c
    return Pool(c.id, c.image_id, suitable=usable(view, asking))


def is_long(view: View, table: sa.Table) -> bool:
    """Whether only a part of such a table is looked at."""
    low, high = Pool(table.c.id, table.c.id).span(view)
    return high - low >= WIDEST
