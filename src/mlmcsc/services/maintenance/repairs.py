"""What `--fix` does: one function per kind, each in one transaction, each looking again first."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlmcsc.adapters.image_workers import ReadOptions, Unreadable, read_many
from mlmcsc.domain.image_facts import ImageFacts
from mlmcsc.domain.permissions import Actor
from mlmcsc.services.maintenance import caches
from mlmcsc.services.maintenance.files import Depth, Seen, State, look_at_files
from mlmcsc.services.maintenance.moves import still_moved
from mlmcsc.services.maintenance.places import Places
from mlmcsc.store.queries.changes import Change
from mlmcsc.store.queries.validation import files as file_queries
from mlmcsc.store.queries.validation import repairs, sequences
from mlmcsc.store.uow import Store

PARALLEL_FROM = 256
"""Below so many files starting worker processes costs more than it saves."""
MOST_WORKERS = 8

FACTS = (
    "path",
    "file_size",
    "content_hash",
    "hash_algorithm",
    "format",
    "width",
    "height",
    "channels",
    "bit_depth",
    "pages",
)
LISTINGS = {"images": file_queries.image_files, "image_aliases": file_queries.alias_files}


@dataclass(frozen=True, slots=True)
class Bench:
    """What every repair works with."""

    db: Store
    actor: Actor
    places: Places


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a repair did: rows mended, their number, the number left alone, and why."""

    ids: list[int]
    count: int
    left: int = 0
    why: str = ""


Mend = Callable[[Bench, str], Outcome]
"""A repair of one kind in one table."""


def count_labels(bench: Bench, _table: str) -> Outcome:
    """Set technicians' label counts to what is there."""
    with bench.db.write(bench.actor) as tx:
        ids = repairs.count_labels(tx)
    return Outcome(ids, len(ids))


def count_vectors(bench: Bench, _table: str) -> Outcome:
    """Set feature sets' vector counts to what is there."""
    with bench.db.write(bench.actor) as tx:
        ids = repairs.count_vectors(tx)
    return Outcome(ids, len(ids))


def advance_sequence(bench: Bench, table: str) -> Outcome:
    """Move a table's id sequence past the ids in use."""
    with bench.db.write(bench.actor) as tx:
        lagging = sequences.lagging(tx, {table})
        for lag in lagging:
            sequences.advance(tx, lag)
            before, after = {"last_id": lag.last}, {"last_id": lag.highest}
            repairs.record_table(tx, table, before, after)
        left = sequences.lagging(tx, {table})
    why = "the table has no id sequence; restore a backup" if left else ""
    return Outcome([], len(lagging) - len(left), len(left), why)


def restamp(bench: Bench, table: str) -> Outcome:
    """Store new times of files whose content is what it was."""
    seen = list(_look(bench, table, Depth.DOUBTFUL))
    same = [(one.row, one.mtime_ns) for one in seen if one.state is State.TOUCHED]
    other = sum(1 for one in seen if one.state is State.CHANGED)
    with bench.db.write(bench.actor) as tx:
        ids = repairs.restamp(tx, table, same)
    why = "their content has changed; see database validate --hash" if other else ""
    return Outcome(ids, len(ids), other, why)


def follow_moves(bench: Bench, table: str) -> Outcome:
    """Name the path where a moved file is, once its content there was read and found equal."""
    moved, hoped = still_moved(bench.db, _look(bench, table, Depth.STATUS))
    places = [(s.row, s.now_at, s.mtime_ns) for s in moved if s.now_at is not None]
    with bench.db.write(bench.actor) as tx:
        ids = repairs.follow_moves(tx, places)
    why = "the file at the other path is another one now" if len(ids) < hoped else ""
    return Outcome(ids, len(ids), hoped - len(ids), why)


def drop_aliases(bench: Bench, table: str) -> Outcome:
    """Forget paths that no longer hold the content they held."""
    gone = {State.MISSING, State.CHANGED}
    stale = [s.row for s in _look(bench, table, Depth.DOUBTFUL) if s.state in gone]
    with bench.db.write(bench.actor) as tx:
        ids = repairs.drop_aliases(tx, stale)
    return Outcome(ids, len(ids))


def _look(bench: Bench, table: str, depth: Depth) -> Iterator[Seen]:
    return look_at_files(bench.db, LISTINGS[table], depth, lambda _done: None)


def fill_facts(bench: Bench, table: str) -> Outcome:
    """Read files that were never read and fill in what is missing of them."""
    unread = {s.row.path: s.row.id for s in _look(bench, table, Depth.STATUS) if _unread(s)}
    options = ReadOptions(fingerprint=False, max_pixels=bench.places.max_pixels)
    workers = bench.places.workers or min(MOST_WORKERS, os.cpu_count() or 1)
    found: dict[int, Mapping[str, Any]] = {}
    reasons: list[str] = []
    for chunk in read_many(list(unread), options, workers if len(unread) > PARALLEL_FROM else 1):
        for outcome in chunk:
            if isinstance(outcome, Unreadable):
                reasons.append(outcome.reason)
            else:
                found[unread[outcome.path]] = _facts(outcome)
    with bench.db.write(bench.actor) as tx:
        ids = repairs.fill_facts(tx, found)
    if len(ids) < len(found):
        reasons.append("the stored size differs from the file's, or another image has its content")
    return Outcome(ids, len(ids), len(unread) - len(ids), reasons[0] if reasons else "")


def _unread(seen: Seen) -> bool:
    return seen.state is State.UNREAD


def _facts(facts: ImageFacts) -> dict[str, Any]:
    return {name: getattr(facts, name) for name in FACTS} | {"file_mtime_ns": facts.mtime_ns}


def remove_matrices(bench: Bench, table: str) -> Outcome:
    """Remove feature matrices that differ from the stored vectors."""
    wrong = caches.wrong_matrices(bench.db, bench.places)
    for set_id in wrong:
        caches.remove_matrix(bench.places, set_id)
    changes = [Change(set_id, {"matrix": "differs"}, {"matrix": None}) for set_id in wrong]
    with bench.db.write(bench.actor) as tx:
        repairs.record(tx, table, changes)
    return Outcome(wrong, len(wrong))


def remove_thumbnails(bench: Bench, table: str) -> Outcome:
    """Remove thumbnails of unknown images."""
    strangers = caches.stray_thumbnails(bench.db, bench.places)
    for path in strangers:
        path.unlink(missing_ok=True)
    if strangers:
        with bench.db.write(bench.actor) as tx:
            repairs.record_table(tx, table, {"stray_thumbnails": len(strangers)}, {})
    return Outcome([], len(strangers))


MENDS: Mapping[str, Mend] = {
    "label_count": count_labels,
    "vector_count": count_vectors,
    "sequence": advance_sequence,
    "file_touched": restamp,
    "file_moved": follow_moves,
    "stale_alias": drop_aliases,
    "file_unread": fill_facts,
    "feature_matrix": remove_matrices,
    "thumbnail": remove_thumbnails,
}
"""By check. What is not here, only a person can decide."""
