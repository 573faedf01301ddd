"""Which images are to be measured, and where the measures go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.domain.columns import Columns
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.image_quality import FORMULA, Measurement, ScoreRecord, score
from mlmcsc.domain.image_quality.components import NAMES
from mlmcsc.domain.results import Page
from mlmcsc.store.models import image_quality, images
from mlmcsc.store.queries import batches, rows
from mlmcsc.store.queries.changes import Change, record_changes
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

i, q = images.c, image_quality.c

LATER = timedelta(microseconds=1)
"""The least by which two stored times differ."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which images are measured: not scored yet, unless one of these says more.

    Attributes:
        everything: All.
        since: All that were taken at this time or later.
    """

    everything: bool = False
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class ImageToMeasure:
    """An image, and what is known of its file."""

    id: int
    path: str
    content_hash: str | None
    hash_algorithm: str | None
    file_size: int | None
    file_mtime_ns: int | None


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a batch.

    Attributes:
        scores: Of the images that were scored.
        problems: `(image id, path, reason)` of those that could not be.
        kept: How many of these keep an earlier score.
        passed_over: Images that are gone, or have other content by now.
    """

    scores: tuple[float, ...]
    problems: tuple[tuple[int, str, str], ...]
    kept: int
    passed_over: int


def _present() -> sa.ColumnElement[bool]:
    """A score by the formula in force, of the content that the image has now."""
    return sa.and_(
        q.image_id == i.id,
        q.formula == FORMULA,
        q.problem.is_(None),
        q.content_hash.is_not_distinct_from(i.content_hash),
    )


def _conditions(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    if wanted.since is not None:
        return [i.timestamp >= wanted.since]
    return [] if wanted.everything else [~sa.exists().where(_present())]


def count(view: View, wanted: Wanted) -> int:
    """How many images are to be measured."""
    return rows.count(view, images, *_conditions(wanted))


def _failed() -> sa.ColumnElement[bool]:
    return sa.exists().where(q.image_id == i.id, q.problem.is_not(None))


def failed(view: View, wanted: Wanted) -> NDArray[np.int64]:
    """Ids of those whose files could not be measured when last tried."""
    query = sa.select(i.id).where(_failed(), *_conditions(wanted)).order_by(i.id)
    return np.fromiter(view.conn.scalars(query), np.int64)


def all_failed(view: View, ids: Sequence[int]) -> bool:
    """Whether none of these images could be measured when last tried."""
    return rows.count(view, images, view.dialect.ids_in(i.id, ids), ~_failed()) == 0


def to_measure(view: View, wanted: Wanted, after_id: int, limit: int) -> list[ImageToMeasure]:
    """The next of the others by id."""
    query = (
        rows.select_record(images, ImageToMeasure)
        .where(i.id > after_id, ~_failed(), *_conditions(wanted))
        .order_by(i.id)
        .limit(limit)
    )
    return [ImageToMeasure(*row) for row in view.conn.execute(query)]


def of_ids(view: View, ids: Sequence[int] | NDArray[np.int64]) -> list[ImageToMeasure]:
    """These images, by id, as far as they still exist."""
    query = rows.select_record(images, ImageToMeasure).where(view.dialect.ids_in(i.id, ids))
    return [ImageToMeasure(*row) for row in view.conn.execute(query.order_by(i.id))]


def store(tx: Transaction, measured: Sequence[Measurement], threshold: float) -> Stored:
    """Write a batch of measures, and the scores into the images; with events for both tables.

    A file that cannot be measured says nothing of the picture: an earlier score stays.
    """
    ids = [each.image_id for each in measured]
    query = (
        sa.select(i.id, i.path, i.content_hash, i.quality_score, i.is_valid, i.updated_at)
        .where(tx.dialect.ids_in(i.id, ids))
        .order_by(i.id)
        .with_for_update()
    )
    known = {row.id: row for row in tx.conn.execute(query)}
    fresh = [
        each
        for each in measured
        if each.image_id in known and known[each.image_id].content_hash == each.content_hash
    ]
    earlier = _earlier(tx, [each.image_id for each in fresh])
    written = {
        each.image_id: _row(each, earlier.get(each.image_id), threshold, tx.now) for each in fresh
    }
    _write_measures(tx, written, earlier)
    scored = [each.image_id for each in fresh if each.problem is None]
    unscored = [each for each in fresh if each.problem is not None]
    changes = [
        Change(
            id_,
            {"quality_score": known[id_].quality_score},
            {"quality_score": written[id_]["score"]},
        )
        for id_ in scored
        if known[id_].quality_score != written[id_]["score"]
    ]
    _change_images(tx, changes)
    _keep_decisions(tx, [known[id_] for id_ in scored], earlier)
    return Stored(
        tuple(written[id_]["score"] for id_ in scored),
        tuple((each.image_id, known[each.image_id].path, each.problem or "") for each in unscored),
        sum(known[each.image_id].quality_score is not None for each in unscored),
        len(measured) - len(fresh),
    )


def _earlier(tx: Transaction, ids: Sequence[int]) -> dict[int, ScoreRecord]:
    query = rows.select_record(image_quality, ScoreRecord)
    query = query.where(tx.dialect.ids_in(q.image_id, ids)).order_by(q.id)
    return {each.image_id: each for each in (ScoreRecord(*row) for row in tx.conn.execute(query))}


def _keep_decisions(
    tx: Transaction, scored: Sequence[Any], earlier: Mapping[int, ScoreRecord]
) -> None:
    """Let what was changed since the earlier measurement count as changed since this one too.

    `invalidate` leaves such images alone, and must go on doing so: see there.
    """
    decided = [
        {"row_id": row.id, "updated_at": tx.now + LATER}
        for row in scored
        if (before := earlier.get(row.id)) is not None
        and before.flagged
        and row.is_valid
        and row.updated_at is not None
        and row.updated_at > before.measured_at
        and row.content_hash == before.content_hash
    ]
    if decided:
        rows.update_many(tx, images, decided)


def _row(
    measured: Measurement, earlier: ScoreRecord | None, threshold: float, now: datetime
) -> dict[str, Any]:
    parts = measured.components
    if parts is None and earlier is not None and earlier.score is not None:
        kept = earlier.to_dict()
        del kept["id"]
        return kept | {"problem": measured.problem}
    made = None if parts is None else score(parts)
    return {
        "image_id": measured.image_id,
        "formula": FORMULA,
        "measured_at": now,
        "content_hash": measured.content_hash,
        **(dict.fromkeys(NAMES) if parts is None else parts.to_dict()),
        "score": made,
        "threshold": threshold,
        "flagged": made is not None and made < threshold,
        "problem": measured.problem,
    }


def _write_measures(
    tx: Transaction,
    written: Mapping[int, Mapping[str, Any]],
    earlier: Mapping[int, ScoreRecord],
) -> None:
    changes = []
    for record in earlier.values():
        old, new = record.to_dict(), written[record.image_id]
        changed = {name: value for name, value in new.items() if old[name] != value}
        if changed:
            changes.append(Change(record.id, {name: old[name] for name in changed}, changed))
    if changes:
        changed_rows = [{"row_id": each.id, **written[id_]} for id_, each in earlier.items()]
        rows.update_many(tx, image_quality, changed_rows)
        record_changes(tx, Operation.UPDATE, image_quality.name, changes)
    new_rows = [row for id_, row in sorted(written.items()) if id_ not in earlier]
    if new_rows:
        columns: Columns = {name: [row[name] for row in new_rows] for name in new_rows[0]}
        told = {"image_ids": batches.id_ranges(np.asarray(columns["image_id"], np.int64))}
        batches.insert_batch(tx, image_quality, columns, told=told)


def _change_images(tx: Transaction, changes: Sequence[Change]) -> None:
    if not changes:
        return
    changed = [{"row_id": each.id, **(each.after or {}), "updated_at": tx.now} for each in changes]
    rows.update_many(tx, images, changed)
    record_changes(tx, Operation.UPDATE, images.name, changes)


def reflag(tx: Transaction, threshold: float, limit: int) -> tuple[int, int]:
    """Judge scores of another threshold by this one, a batch: how many, and flags changed."""
    query = (
        sa.select(q.id, q.threshold, q.flagged, q.score)
        .where(q.score.is_not(None), q.threshold != threshold)
        .order_by(q.id)
        .limit(limit)
        .with_for_update()
    )
    changes, flags = [], 0
    for row in tx.conn.execute(query):
        flagged = row.score < threshold
        flags += flagged != row.flagged
        changes.append(
            Change(
                row.id,
                {"threshold": row.threshold, "flagged": row.flagged},
                {"threshold": threshold, "flagged": flagged},
            )
        )
    if changes:
        new = [{"row_id": each.id, **(each.after or {})} for each in changes]
        rows.update_many(tx, image_quality, new)
        record_changes(tx, Operation.UPDATE, image_quality.name, changes)
    return len(changes), flags


def invalidate(tx: Transaction, since: datetime | None, limit: int) -> int:
    """Mark valid images that are flagged as invalid, a batch; how many were.

    An image whose record was changed after it was measured stays as it is: to set it back to valid
    is such a change, and who did so has looked at the picture.
    """
    period = [] if since is None else [i.timestamp >= since]
    untouched = sa.or_(i.updated_at.is_(None), i.updated_at <= q.measured_at)
    query = (
        sa.select(i.id)
        .join(image_quality, _present())
        .where(q.flagged, i.is_valid, untouched, *period)
        .order_by(i.id)
        .limit(limit)
        .with_for_update(of=images)
    )
    found = tx.conn.scalars(query).all()
    _change_images(tx, [Change(id_, {"is_valid": True}, {"is_valid": False}) for id_ in found])
    return len(found)


def get(view: View, image_id: int) -> ScoreRecord | None:
    """The measures of one image."""
    return rows.first(view, image_quality, ScoreRecord, image_id=image_id)


def page(
    view: View,
    *,
    flagged: bool | None,
    unreadable: bool | None,
    after_id: int,
    limit: int,
) -> Page[ScoreRecord]:
    """Measures by their own id."""
    conditions = rows.given(
        {"flagged": flagged, "unreadable": unreadable},
        flagged=q.flagged.__eq__,
        unreadable=lambda said: q.problem.is_not(None) if said else q.problem.is_(None),
    )
    return rows.page(view, image_quality, ScoreRecord, conditions, after_id=after_id, limit=limit)
