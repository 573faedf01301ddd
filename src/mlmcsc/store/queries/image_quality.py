"""Which images are to be measured, and where the measures go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa

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
        passed_over: Images that are gone, or have other content by now.
    """

    scores: tuple[float, ...]
    problems: tuple[tuple[int, str, str], ...]
    passed_over: int


def _present() -> sa.ColumnElement[bool]:
    """A score by the formula in force, of the content that the image has now."""
    return sa.and_(
        q.image_id == i.id,
        q.formula == FORMULA,
        q.score.is_not(None),
        q.content_hash.is_not_distinct_from(i.content_hash),
    )


def _conditions(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    if wanted.since is not None:
        return [i.timestamp >= wanted.since]
    return [] if wanted.everything else [~sa.exists().where(_present())]


def count(view: View, wanted: Wanted) -> int:
    """How many images are to be measured."""
    return rows.count(view, images, *_conditions(wanted))


def to_measure(view: View, wanted: Wanted, after_id: int, limit: int) -> list[ImageToMeasure]:
    """The next of them by id."""
    query = (
        rows.select_record(images, ImageToMeasure)
        .where(i.id > after_id, *_conditions(wanted))
        .order_by(i.id)
        .limit(limit)
    )
    return [ImageToMeasure(*row) for row in view.conn.execute(query)]


def store(tx: Transaction, measured: Sequence[Measurement], threshold: float) -> Stored:
    """Write a batch of measures, and the scores into the images; with events for both tables."""
    ids = [each.image_id for each in measured]
    query = (
        sa.select(i.id, i.path, i.content_hash, i.quality_score)
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
    written = {each.image_id: _row(each, threshold, tx.now) for each in fresh}
    _write_measures(tx, written)
    changes = [
        Change(id_, {"quality_score": known[id_].quality_score}, {"quality_score": row["score"]})
        for id_, row in written.items()
        if known[id_].quality_score != row["score"]
    ]
    _change_images(tx, changes)
    return Stored(
        tuple(row["score"] for row in written.values() if row["score"] is not None),
        tuple(
            (id_, known[id_].path, row["problem"])
            for id_, row in written.items()
            if row["problem"] is not None
        ),
        len(measured) - len(fresh),
    )


def _row(measured: Measurement, threshold: float, now: datetime) -> dict[str, Any]:
    parts = measured.components
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


def _write_measures(tx: Transaction, written: Mapping[int, Mapping[str, Any]]) -> None:
    query = rows.select_record(image_quality, ScoreRecord).where(
        tx.dialect.ids_in(q.image_id, list(written))
    )
    before = [ScoreRecord(*row) for row in tx.conn.execute(query.order_by(q.id))]
    changes = []
    for record in before:
        old, new = record.to_dict(), written[record.image_id]
        changed = {name: value for name, value in new.items() if old[name] != value}
        changes.append(Change(record.id, {name: old[name] for name in changed}, changed))
    if before:
        changed_rows = [{"row_id": each.id, **written[each.image_id]} for each in before]
        rows.update_many(tx, image_quality, changed_rows)
        record_changes(tx, Operation.UPDATE, image_quality.name, changes)
    replaced = {record.image_id for record in before}
    new_rows = [row for id_, row in sorted(written.items()) if id_ not in replaced]
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


def reflag(tx: Transaction, threshold: float, limit: int) -> int:
    """Set the flags of images scored before by another threshold; how many were changed."""
    below = q.score < threshold
    query = (
        sa.select(q.id, q.threshold, q.flagged)
        .where(q.score.is_not(None), q.flagged != below)
        .order_by(q.id)
        .limit(limit)
        .with_for_update()
    )
    changes = [
        Change(
            row.id,
            {"threshold": row.threshold, "flagged": row.flagged},
            {"threshold": threshold, "flagged": not row.flagged},
        )
        for row in tx.conn.execute(query)
    ]
    if changes:
        new = [{"row_id": each.id, **(each.after or {})} for each in changes]
        rows.update_many(tx, image_quality, new)
        record_changes(tx, Operation.UPDATE, image_quality.name, changes)
    return len(changes)


def invalidate(tx: Transaction, since: datetime | None, limit: int) -> int:
    """Mark valid images that are flagged as invalid, a batch; how many were."""
    period = [] if since is None else [i.timestamp >= since]
    query = (
        sa.select(i.id)
        .join(image_quality, _present())
        .where(q.flagged, i.is_valid, *period)
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
