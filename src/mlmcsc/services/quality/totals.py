"""The sums over all images: kept ones where they are right, new ones where they are not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.progress import Progress
from mlmcsc.domain.quality.summing import sums_of
from mlmcsc.domain.quality.sums import VERSION, Sums, merged
from mlmcsc.store.models import IMAGES_PER_CHUNK
from mlmcsc.store.queries.quality import additions, aggregates, stretches
from mlmcsc.store.queries.quality.aggregates import Standing
from mlmcsc.store.uow import Snapshot

TOGETHER: Final = 16
"""Chunks read with one query where they follow each other; what is read fits in some 30 MB."""

Keep = Callable[[Standing, str, Mapping[int, Any]], None]


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums over all images in one snapshot.

    Attributes:
        sums: Over all.
        chunks: Chunk to its sums, ascending.
        restricted: Technicians whose labels are left out, int64 ids.
        made: Chunks whose sums had to be made anew.
    """

    sums: Sums
    chunks: Mapping[int, Sums]
    restricted: NDArray[np.int64]
    made: int


def totals(
    view: Snapshot,
    restricted: NDArray[np.int64],
    label_range: tuple[float, float],
    progress: Progress,
    keep: Keep,
    *,
    anew: bool = False,
) -> Totals:
    """Sum up, and hand new sums to `keep` as soon as they are made.

    All sums are made if `anew`, or if those that were kept turn out to leave out rows.
    """
    make = partial(_sum_up, view, restricted, label_range, progress, keep)
    found = make(anew=anew)
    if not anew and additions.do_not_fit(view, found.sums.counts):
        return make(anew=True)
    return found


def _sum_up(
    view: Snapshot,
    restricted: NDArray[np.int64],
    label_range: tuple[float, float],
    progress: Progress,
    keep: Keep,
    *,
    anew: bool,
) -> Totals:
    basis = _basis(restricted)
    seen = aggregates.standing(view, basis, anew=anew)
    chunks = {chunk: Sums.from_dict(stored) for chunk, stored in seen.fresh.items()}
    done = 0
    for run in _runs(seen.stale):
        progress("images summed up, in chunks of 4,096", done, len(seen.stale))
        made = _make(view, run, restricted, label_range)
        chunks |= made
        keep(seen, basis, {chunk: sums.to_dict() for chunk, sums in made.items()})
        done += len(run)
    ordered = {chunk: chunks[chunk] for chunk in sorted(chunks)}
    return Totals(merged(ordered.values()), ordered, restricted, done)


def _basis(restricted: NDArray[np.int64]) -> str:
    """What sums are made on: restricting or releasing somebody makes every kept sum unfit."""
    ids = ",".join(map(str, sorted(restricted.tolist())))
    return f"{VERSION}:{hashlib.sha256(ids.encode()).hexdigest()[:16]}"


def _runs(chunks: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Chunks that follow each other, at most `TOGETHER` at once."""
    run: list[int] = []
    for chunk in chunks:
        if run and (chunk != run[-1] + 1 or len(run) == TOGETHER):
            yield tuple(run)
            run = []
        run.append(chunk)
    if run:
        yield tuple(run)


def _make(
    view: Snapshot,
    run: tuple[int, ...],
    restricted: NDArray[np.int64],
    label_range: tuple[float, float],
) -> dict[int, Sums]:
    size = IMAGES_PER_CHUNK
    rows = stretches.read_stretch(view, run[0] * size, (run[-1] + 1) * size, restricted)
    return {c: sums_of(rows.between(c * size, (c + 1) * size), label_range) for c in run}
