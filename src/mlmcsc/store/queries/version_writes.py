"""Writing and removing dataset versions and what they hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.domain.enums import Operation
from mlmcsc.store.models import (
    audit_logs,
    data_versions,
    erasures,
    feature_revisions,
    feature_sets,
    features,
    frozen_images,
    images,
    labels,
    model_versions,
    settings,
    version_features,
    version_tags,
)
from mlmcsc.store.queries import rows
from mlmcsc.store.queries.features import FeatureSet
from mlmcsc.store.queries.frozen_features import held_replaced
from mlmcsc.store.queries.holds import restricted_technicians
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

Ids = NDArray[np.int64]

FREEZING: Final = "versions_freezing"
"""Key of the note that images are frozen ahead of their version; see `freezing`."""
_MULTIPLIER: Final = 0x9E3779B1
"""The 32-bit golden ratio prime: Knuth's multiplicative hash (TAOCP vol. 3, section 6.4)."""
_MODULUS: Final = 2**31 - 1


def named(view: View, name: str) -> int | None:
    """Id of the version with this very name."""
    c = data_versions.c
    return view.conn.scalar(sa.select(c.id).where(c.version == name))


def tagged(view: View, tag: str) -> int | None:
    """Id of the version that the tag points to."""
    c = version_tags.c
    return view.conn.scalar(sa.select(c.version_id).where(c.tag == tag))


def all_there(view: View, label_ids: Ids, before: LabelsSeen | None = None) -> bool:
    """Whether none of these labels was deleted.

    Args:
        view: An open transaction.
        label_ids: Each was there when `before` was made.
        before: What `labels_seen` said; where it says the same now, the ids are not compared.
    """
    if before is not None and labels_seen(view, label_ids) == before:
        return True
    query = sa.select(labels.c.id).order_by(labels.c.id)
    there = view.dialect.read_numbers(view.conn, query, np.dtype([("id", "<i8")]))["id"]
    if not len(there):
        return not len(label_ids)
    at = np.searchsorted(there, label_ids)
    return bool((there[np.minimum(at, len(there) - 1)] == label_ids).all())


@dataclass(frozen=True, slots=True)
class LabelsSeen:
    """Which labels there are up to the highest that counts.

    Attributes:
        count: How many.
        digest: A sum over a hash of each id. Labels that were deleted could have others in their
            place only through a restored archive; it would change the sum.
    """

    count: int
    digest: int


def labels_seen(view: View, label_ids: Ids) -> LabelsSeen | None:
    """Counted by the database itself, many times faster than ids are read.

    None on PostgreSQL, whose writers do not wait for ours: ids can be compared at leisure.
    """
    if view.dialect.name != "sqlite":
        return None
    row_id, last = labels.c.id, int(label_ids.max()) if len(label_ids) else 0
    hashed = row_id * _MULTIPLIER % _MODULUS
    query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(hashed), 0))
    return LabelsSeen(*view.conn.execute(query.where(row_id <= last)).one())


@dataclass(frozen=True, slots=True)
class PeopleSeen:
    """Who is being erased, was erased or is restricted, as far as it can change.

    Attributes:
        erasures: How many there are, the latest, how many are finished.
        steps: How far the unfinished ones are, by id.
        restricted: Technicians whose data may not be used.
    """

    erasures: tuple[int, int | None, int]
    steps: tuple[tuple[int, str], ...]
    restricted: tuple[int, ...]


def people_seen(view: View) -> PeopleSeen:
    """What must be the same when a version is committed as when its rows were read."""
    c = erasures.c
    counts = sa.select(sa.func.count(), sa.func.max(c.id), sa.func.count(c.finished_at))
    steps = sa.select(c.id, sa.cast(c.steps, sa.Text)).where(c.finished_at.is_(None))
    return PeopleSeen(
        tuple(view.conn.execute(counts).one()),
        tuple((row[0], row[1]) for row in view.conn.execute(steps.order_by(c.id))),
        tuple(restricted_technicians(view).tolist()),
    )


def deleted_roots(view: View, name: str) -> set[str | None]:
    """Roots of the deleted versions that had this name, by the audit trail."""
    c = audit_logs.c
    query = sa.select(c.old_values, c.digest).where(
        c.table_name == data_versions.name, c.operation == Operation.DELETE.value
    )
    return {
        row.digest
        for row in view.conn.execute(query)
        if isinstance(row.old_values, dict) and row.old_values.get("version") == name
    }


def frozen_now(view: View) -> Ids:
    """Images in any version, ascending."""
    c = frozen_images.c
    query = sa.select(c.image_id).order_by(c.image_id)
    found = view.dialect.read_numbers(view.conn, query, np.dtype([("id", "<i8")]))
    return np.ascontiguousarray(found["id"])


def freeze_images(tx: Transaction, new: Ids) -> bool:
    """Keep images from being deleted; False when one of them was already.

    Args:
        tx: The transaction.
        new: Ascending; none of them in any version.
    """
    # First of all: retention locks this table last, so that neither waits for the other.
    tx.dialect.lock_table(tx.conn, frozen_images)
    stored = 0
    for start in range(0, len(new), rows.CHUNK):
        chunk = new[start : start + rows.CHUNK]
        first, last = int(chunk[0]), int(chunk[-1])
        unbroken = last - first + 1 == len(chunk)  # so the list need not be sent
        c_id = images.c.id
        these = c_id.between(first, last) if unbroken else tx.dialect.ids_in(c_id, chunk)
        there = sa.select(c_id).where(these)
        insert = frozen_images.insert().from_select(["image_id"], there)
        # Without the option, PostgreSQL's driver is not asked how many rows an INSERT made.
        counted = insert.execution_options(preserve_rowcount=True)
        stored += tx.conn.execute(counted).rowcount
    return stored == len(new)


def freezing(view: View) -> bool:
    """Whether images are frozen of a version that is not there (yet)."""
    return view.conn.scalar(sa.select(settings.c.key).where(settings.c.key == FREEZING)) is not None


def set_freezing(tx: Transaction, *, begun: bool) -> None:
    """Note that images are about to be frozen ahead of their version, or that this is over."""
    tx.conn.execute(settings.delete().where(settings.c.key == FREEZING))
    if begun:
        tx.conn.execute(settings.insert().values(key=FREEZING, value=True))


def release_images(tx: Transaction, image_ids: Ids) -> None:
    """Images that no version has any more may be deleted again."""
    for start in range(0, len(image_ids), rows.CHUNK):
        chunk = image_ids[start : start + rows.CHUNK]
        tx.conn.execute(
            frozen_images.delete().where(tx.dialect.ids_in(frozen_images.c.image_id, chunk))
        )


def lock_sets(tx: Transaction, sets: Sequence[FeatureSet]) -> dict[int, list[str]]:
    """Keep writers of vectors off these sets; the names of their last writes, by set id."""
    c = feature_sets.c
    query = (
        sa.select(c.id, c.tokens)
        .where(tx.dialect.ids_in(c.id, [each.id for each in sets]))
        .order_by(c.feature_type, c.extractor_version)
        .with_for_update()
    )
    return {row.id: row.tokens for row in tx.conn.execute(query)}


def markers(tx: Transaction, count: int) -> list[int]:
    """An id beyond every vector there is, for each set that is frozen; no vector has it ever."""
    return [int(each) for each in tx.dialect.reserve_ids(tx.conn, features, count)]


def taken(view: View, version_id: int) -> bool:
    """Whether a version has this id."""
    c = data_versions.c
    return view.conn.scalar(sa.select(c.id).where(c.id == version_id)) is not None


def next_id(tx: Transaction) -> int:
    """The id of the version about to be inserted."""
    return int(tx.dialect.reserve_ids(tx.conn, data_versions, 1)[0])


def insert_version(
    tx: Transaction, values: Mapping[str, Any], held: Sequence[Mapping[str, Any]]
) -> None:
    """The version's row, with its id, and its feature sets."""
    rows.insert(tx, data_versions, values)
    if held:
        tx.conn.execute(
            version_features.insert(), [{"version_id": values["id"], **each} for each in held]
        )


def point_tag(tx: Transaction, tag: str, version_id: int) -> int:
    """Make the tag, or move it; its row id."""
    c = version_tags.c
    row_id = tx.conn.scalar(sa.select(c.id).where(c.tag == tag))
    if row_id is None:
        return rows.insert(tx, version_tags, {"tag": tag, "version_id": version_id})
    rows.update(tx, version_tags, int(row_id), {"version_id": version_id})
    return int(row_id)


def drop_tags(tx: Transaction, tags: Iterable[str]) -> dict[str, int]:
    """Remove tags; the row ids that they had, by tag."""
    c = version_tags.c
    query = sa.select(c.tag, c.id).where(tx.dialect.ids_in(c.tag, list(tags)))
    found = {row.tag: int(row.id) for row in tx.conn.execute(query)}
    tx.conn.execute(version_tags.delete().where(tx.dialect.ids_in(c.id, list(found.values()))))
    return found


def trained_on(view: View, names: Sequence[str]) -> list[str]:
    """Model versions that name one of these (a version, its tags) as their training data."""
    c = model_versions.c
    query = sa.select(c.version).where(c.training_data_version.in_(names)).order_by(c.id)
    return list(view.conn.scalars(query))


def delete_version(tx: Transaction, version_id: int) -> None:
    """Remove the row; its feature sets go with it."""
    tx.conn.execute(version_features.delete().where(version_features.c.version_id == version_id))
    tx.conn.execute(data_versions.delete().where(data_versions.c.id == version_id))


def free_revisions(tx: Transaction) -> int:
    """Remove replaced vectors that no version holds any more; says how many."""
    return tx.conn.execute(feature_revisions.delete().where(~_held())).rowcount


def freed_revisions(view: View, without: int) -> int:
    """How many replaced vectors no version would hold without that one."""
    return rows.count(view, feature_revisions, ~_held(without))


def _held(without: int | None = None) -> sa.ColumnElement[bool]:
    v = version_features.c
    holds = sa.exists().where(*held_replaced(v))
    return holds if without is None else holds.where(v.version_id != without)
