"""Every pair of vectors that are nearly the same, block against block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlmcsc.adapters.vector_search.vectors import Vectors
from mlmcsc.domain.progress import Progress, quiet
from mlmcsc.domain.similarity.grouping import Grouping
from mlmcsc.domain.similarity.metrics import Metric, distances, float32_error

BLOCK = 2048
"""Rows against rows: 16 MiB of products."""
MEASURED = 20_000
"""Pairs measured again in float64 at a time."""


@dataclass(frozen=True, slots=True)
class _Block:
    values: NDArray[np.float32]
    norms: NDArray[np.float64]
    places: NDArray[np.int64]


def tie_close(
    sources: Sequence[Vectors],
    universe: NDArray[np.int64],
    grouping: Grouping,
    max_distance: float,
    progress: Progress = quiet,
) -> None:
    """Tie together all images whose vectors are at most `max_distance` apart, by cosine.

    Pairs near the limit are measured in float64, so rounding decides nothing. Pairs of images
    that are in one group already are not measured again: this is why a folder of 100,000 equal
    pictures takes no more than one of different ones.

    Args:
        sources: The vectors; none is zero.
        universe: Image ids, ascending; `grouping` numbers them by their place here.
        grouping: Gains the ties.
        max_distance: 1 minus cosine, inclusive.
        progress: Told how many of the blocks are done.
    """
    blocks = [block for source in sources for block in _blocks(source, universe)]
    total = len(blocks) * (len(blocks) + 1) // 2
    done = 0
    for at, one in enumerate(blocks):
        for other in blocks[: at + 1]:
            _tie_blocks(one, other, grouping, max_distance)
            done += 1
            progress("comparing", done, total)


def _blocks(source: Vectors, universe: NDArray[np.int64]) -> Iterator[_Block]:
    rows = source.all_rows()
    for start in range(0, len(rows), BLOCK):
        part = rows[start : start + BLOCK]
        whole = len(part) == part[-1] - part[0] + 1
        values = source.values[part[0] : part[-1] + 1] if whole else source.values[part]
        places = np.searchsorted(universe, source.ids[part])
        yield _Block(values, source.norms[part], places)


def _tie_blocks(one: _Block, other: _Block, grouping: Grouping, max_distance: float) -> None:
    scaled = one.values / one.norms[:, None].astype(np.float32)
    cosines = (scaled @ other.values.T) / other.norms.astype(np.float32)
    error = float(float32_error(one.values.shape[1], Metric.COSINE, 1.0, np.ones((1, 1)))[0])
    left, right = np.nonzero(cosines >= 1 - max_distance - error)
    pairs = np.stack([one.places[left], other.places[right]], axis=1)
    open_ = np.flatnonzero(grouping.apart(pairs))
    while len(open_):
        now, open_ = open_[:MEASURED], open_[MEASURED:]
        apart = _apart(one, left[now], other, right[now])
        grouping.tie(pairs[now[apart <= max_distance]])
        open_ = open_[grouping.apart(pairs[open_])]


def _apart(
    one: _Block, left: NDArray[np.int64], other: _Block, right: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Distance of row left[i] from row right[i]; the rows of one `left` stand together."""
    measured = np.empty(len(left))
    cuts = np.flatnonzero(np.diff(left)) + 1
    for part in np.split(np.arange(len(left)), cuts):
        query = one.values[left[part[0]]].astype(np.float64)
        measured[part] = distances(other.values[right[part]], query, Metric.COSINE)
    return measured
