"""One run of measuring: find the images, measure in parallel, write in batches."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import cast

from mlmcsc.adapters.image_quality.cluster import measure_on_cluster
from mlmcsc.adapters.image_quality.tasks import MeasureOptions, Task
from mlmcsc.adapters.image_quality.workers import CHUNK, measure_many
from mlmcsc.config.image_settings import ImageSettings
from mlmcsc.domain.image_quality import FORMULA, Measurement, Problem, ScoreUpdate
from mlmcsc.domain.image_quality.results import BINS, MOST_PROBLEMS
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.progress import Progress
from mlmcsc.errors import UnsupportedError
from mlmcsc.store.queries import image_quality as queries
from mlmcsc.store.uow import Store

BATCH = 500
"""Images per transaction: what an interruption can cost."""
LOOKUP = 4000
"""Images looked up at a time: bounds memory, and no read lasts while files are measured."""
PARALLEL_FROM = 48
"""Below so many files starting worker processes costs more than it saves."""
MOST_WORKERS = 16
LEAST_AWAY = 5
"""Fewer missing files say nothing of the disk that they were on."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The checked arguments of one run; see `ImageQuality.update_scores`."""

    threshold: float
    wanted: queries.Wanted
    invalidate: bool
    workers: int | None
    cluster: str | None
    limit: int | None
    dry_run: bool
    progress: Progress


@dataclass(slots=True)
class _Tally:
    """The report in the making."""

    scored: int = 0
    flagged: int = 0
    passed_over: int = 0
    problem_count: int = 0
    kept: int = 0
    problems: list[Problem] = field(default_factory=list)
    histogram: list[int] = field(default_factory=lambda: [0] * BINS)

    def count(self, stored: queries.Stored, threshold: float) -> None:
        self.scored += len(stored.scores)
        self.passed_over += stored.passed_over
        for score in stored.scores:
            self.flagged += score < threshold
            self.histogram[min(int(score * BINS), BINS - 1)] += 1
        self.problem_count += len(stored.problems)
        self.kept += stored.kept
        room = MOST_PROBLEMS - len(self.problems)
        self.problems += [Problem(*each) for each in stored.problems[:room]]


def run(db: Store, actor: Actor, settings: ImageSettings, plan: Plan) -> ScoreUpdate:
    """Carry out a run; see `ImageQuality.update_scores`."""
    began = time.perf_counter()
    with db.read() as view:
        selected = queries.count(view, plan.wanted)
    selected = selected if plan.limit is None else min(selected, plan.limit)
    if plan.dry_run:
        return ScoreUpdate(plan.threshold, FORMULA, selected, dry_run=True)
    tally = _measure(db, actor, settings, plan, selected)
    reflagged = _reflag(db, actor, plan)
    return ScoreUpdate(
        threshold=plan.threshold,
        formula=FORMULA,
        selected=selected,
        scored=tally.scored,
        flagged=tally.flagged,
        reflagged=reflagged,
        invalidated=_invalidate(db, actor, plan) if plan.invalidate else 0,
        passed_over=tally.passed_over,
        problems=tuple(tally.problems),
        problem_count=tally.problem_count,
        kept=tally.kept,
        histogram=tuple(tally.histogram),
        seconds=time.perf_counter() - began,
    )


def _measure(db: Store, actor: Actor, settings: ImageSettings, plan: Plan, selected: int) -> _Tally:
    tally, done, began = _Tally(), 0, time.perf_counter()
    batch: list[Measurement] = []
    seen = False
    with closing(_measured(db, settings, plan, selected)) as chunks:
        for chunk in chunks:
            batch += chunk
            done += len(chunk)
            if len(batch) >= BATCH:
                seen = seen or _require_seen(db, plan, batch)
                _write(db, actor, plan, batch, tally)
                batch = []
            rate = done / (time.perf_counter() - began)
            plan.progress(f"measuring, {rate:,.0f} images/s", done, max(done, selected))
    if batch:
        seen = seen or _require_seen(db, plan, batch)
        _write(db, actor, plan, batch, tally)
    return tally


def _measured(
    db: Store, settings: ImageSettings, plan: Plan, selected: int
) -> Generator[list[Measurement]]:
    """Measures as they come in; closing it ends the processes."""
    chunks = _chunks(db, plan)
    options = MeasureOptions(settings.max_pixels)
    if plan.cluster is not None:
        found = measure_on_cluster(chunks, options, plan.cluster)
    else:
        workers = plan.workers
        if workers is None and selected < PARALLEL_FROM:
            workers = 1
        if workers is None:
            workers = settings.workers or min(os.cpu_count() or 1, MOST_WORKERS)
        found = measure_many(chunks, options, workers)
    with closing(cast("Generator[list[Measurement]]", found)) as measured:
        yield from measured


def _chunks(db: Store, plan: Plan) -> Iterator[Sequence[Task]]:
    tasks = islice(_tasks(db, plan), plan.limit)
    while chunk := list(islice(tasks, CHUNK)):
        yield chunk


def _tasks(db: Store, plan: Plan) -> Iterator[Task]:
    """The files by image id, those that failed before last; each page in a read of its own."""
    with db.read() as view:
        failed = queries.failed(view, plan.wanted)  # as of now: none is tried twice
    last = 0
    while True:
        with db.read() as view:
            page = queries.to_measure(view, plan.wanted, last, LOOKUP)
        if not page:
            break
        last = page[-1].id
        yield from map(_task, page)
    for start in range(0, failed.size, LOOKUP):
        with db.read() as view:
            page = queries.of_ids(view, failed[start : start + LOOKUP])
        yield from map(_task, page)


def _task(image: queries.ImageToMeasure) -> Task:
    return Task(
        image.id,
        image.path,
        image.content_hash,
        image.hash_algorithm,
        image.file_size,
        image.file_mtime_ns,
    )


def _require_seen(db: Store, plan: Plan, batch: Sequence[Measurement]) -> bool:
    """Stop before files of a disk that is away, or that a cluster does not see, count as missing.

    Raises:
        UnsupportedError: None of the first files was found, and the reason is not the files.
    """
    if not all(each.missing for each in batch):
        return True
    ids = [each.image_id for each in batch]
    with db.read() as view:
        paths = [each.path for each in queries.of_ids(view, ids)]
        known = queries.all_failed(view, ids)
    here = next(filter(os.path.exists, paths), None)
    if plan.cluster is not None and here is not None:
        raise UnsupportedError(
            f"the workers of {plan.cluster} do not see the files, e.g. {here}: mount the folder "
            "there under the same path, or leave the cluster out. Nothing was written."
        )
    folders = {os.path.dirname(path) for path in paths}
    away = len(paths) >= LEAST_AWAY and not known
    if away and not any(map(_holds_something, folders)):
        raise UnsupportedError(
            f"none of the first {len(paths)} image files is there, and their folders are away or "
            f"empty, e.g. {min(folders)}: is the disk mounted? Nothing was written. If they are "
            "gone for good, delete these images."
        )
    return plan.cluster is None


def _holds_something(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(True for _ in entries)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # it is there, and says by itself what is wrong with it


def _write(
    db: Store, actor: Actor, plan: Plan, batch: Sequence[Measurement], tally: _Tally
) -> None:
    with db.write(actor) as tx:
        stored = queries.store(tx, batch, plan.threshold)
    tally.count(stored, plan.threshold)


def _reflag(db: Store, actor: Actor, plan: Plan) -> int:
    changed = 0
    while True:
        with db.write(actor) as tx:
            found, flags = queries.reflag(tx, plan.threshold, BATCH)
        changed += flags
        if found < BATCH:
            return changed


def _invalidate(db: Store, actor: Actor, plan: Plan) -> int:
    changed = 0
    while True:
        with db.write(actor) as tx:
            found = queries.invalidate(tx, plan.wanted.since, BATCH)
        changed += found
        if found < BATCH:
            return changed
