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
from mlmcsc.services.quality.trainings import Trainings
from mlmcsc.store.models import IMAGES_PER_CHUNK
from mlmcsc.store.queries.quality import additions, aggregates, stretches
from mlmcsc.store.queries.quality.aggregates import Standing
from mlmcsc.store.uow import Snapshot

TOGETHER: Final = 16
"""Chunks read with one query where they follow each other; what is read fits in some 30 MB."""

Keep = Callable[[Standing, str, Mapping[int, Any]], None]


@dataclass(frozen=True, slots=True)
class Ground:
    """What sums are made on.

    Attributes:
        restricted: Technicians whose labels are left out, int64 ids.
        trainings: What models were trained on.
        label_range: Lowest and highest label of the database.
    """

    restricted: NDArray[np.int64]
    trainings: Trainings
    label_range: tuple[float, float]

    @property
    def key(self) -> str:
        """Changes with whatever makes kept sums unfit: other people left out, other training."""
        ids = ",".join(map(str, sorted(self.restricted.tolist())))
        made_on = f"{ids};{self.label_range};{self.trainings.key}"
        return f"{VERSION}:{hashlib.sha256(made_on.encode()).hexdigest()[:16]}"


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
    ground: Ground,
    progress: Progress,
    keep: Keep,
    *,
    anew: bool = False,
) -> Totals:
    """Sum up, and hand new sums to `keep` as soon as they are made.

    All sums are made if `anew`, or if those that were kept turn out to leave out rows.
    """
    make = partial(_sum_up, view, ground, progress, keep)
    found = make(anew=anew)
    if not anew and additions.do_not_fit(view, found.sums.counts):
        return make(anew=True)
    return found


def _sum_up(
    view: Snapshot,
    ground: Ground,
    progress: Progress,
    keep: Keep,
    *,
    anew: bool,
) -> Totals:
    basis = ground.key
    seen = aggregates.standing(view, basis, anew=anew)
    chunks = {chunk: Sums.from_dict(stored) for chunk, stored in seen.fresh.items()}
    done = 0
    for run in _runs(seen.stale):
        progress("images summed up, in chunks of 4,096", done, len(seen.stale))
        made = _make(view, run, ground)
        chunks |= made
        if ground.trainings.all_read:  # else the next check tries again
            keep(seen, basis, {chunk: sums.to_dict() for chunk, sums in made.items()})
        done += len(run)
    ordered = {chunk: chunks[chunk] for chunk in sorted(chunks)}
    return Totals(merged(ordered.values()), ordered, ground.restricted, done)


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


def _make(view: Snapshot, run: tuple[int, ...], ground: Ground) -> dict[int, Sums]:
    size, within = IMAGES_PER_CHUNK, ground.label_range
    rows = stretches.read_stretch(view, run[0] * size, (run[-1] + 1) * size, ground.restricted)
    trained = ground.trainings.of(np.unique(rows.predictions["model"]).tolist())
    return {c: sums_of(rows.between(c * size, (c + 1) * size), within, trained) for c in run}
