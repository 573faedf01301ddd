"""Deleting labels, predictions and images for good, with all that hangs on them.

Nothing is recorded here: the caller knows why, and leaves the event.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.domain.enums import Storage
from mlmcsc.store.models import (
    feature_sets,
    features,
    image_aliases,
    images,
    labels,
    predictions,
    technicians,
)
from mlmcsc.store.queries import anchors, rows
from mlmcsc.store.queries import features as feature_queries
from mlmcsc.store.uow import Transaction


@dataclass(frozen=True, slots=True)
class ManagedFile:
    """A copy in the managed image store that no row speaks of any more.

    Attributes:
        path: Where it lies.
        content_hash: SHA-256 of its content, hex.
    """

    path: str
    content_hash: str | None


@dataclass(frozen=True, slots=True)
class RemovedImages:
    """What went.

    Attributes:
        image_ids: Ascending, shape `(N,)`, int64.
        labels: Number of labels.
        predictions: Number of predictions.
        features: Number of vectors.
        content_hashes: SHA-256 (hex) of the images' contents, where known.
        unused_files: Managed files to be deleted once the transaction is committed, and not
            before: it may yet fail.
    """

    image_ids: NDArray[np.int64]
    labels: int
    predictions: int
    features: int
    content_hashes: tuple[str, ...]
    unused_files: tuple[ManagedFile, ...]


def delete_labels(tx: Transaction, condition: sa.ColumnElement[bool]) -> int:
    """Delete labels and their revisions; no image changes its split by it.

    Args:
        tx: The open transaction.
        condition: Which, on `mlmcsc.store.models.labels`.

    Returns:
        How many.
    """
    tx.dialect.lock_table(tx.conn, labels)
    c = labels.c
    query = sa.select(c.id, c.technician_id).where(condition).order_by(c.id)
    going = np.asarray(tx.conn.execute(query).all(), dtype=np.int64).reshape(-1, 2)
    for ids in _chunks(going[:, 0]):
        anchors.keep_places(tx, ids)
        tx.conn.execute(labels.delete().where(tx.dialect.ids_in(c.id, ids)))
    who, made = np.unique(going[:, 1], return_counts=True)
    t = technicians.c
    for technician, fewer in zip(who.tolist(), made.tolist(), strict=True):
        # What raw SQL wrote was never counted.
        left = sa.case((t.total_labels > fewer, t.total_labels - fewer), else_=0)
        tx.conn.execute(technicians.update().where(t.id == technician).values(total_labels=left))
    return len(going)


def delete_predictions(tx: Transaction, condition: sa.ColumnElement[bool]) -> int:
    """Delete predictions; says how many.

    Args:
        tx: The open transaction.
        condition: Which, on `mlmcsc.store.models.predictions`.
    """
    return tx.conn.execute(predictions.delete().where(condition)).rowcount


def delete_images(
    tx: Transaction, which: Sequence[int] | NDArray[np.int64] | sa.ColumnElement[bool]
) -> RemovedImages:
    """Delete images with their labels, predictions, vectors, fingerprints and aliases.

    No other image changes its split by it. Files are left alone.

    Args:
        tx: The open transaction.
        which: Ids (those unknown are passed over), or a condition on
            `mlmcsc.store.models.images`.
    """
    # Else what others add meanwhile would be left pointing nowhere.
    for table in (images, predictions, labels, feature_sets, features):
        tx.dialect.lock_table(tx.conn, table)
    going = _going(tx, which)
    ids = np.fromiter((row.id for row in going), dtype=np.int64, count=len(going))
    numbers = np.zeros(3, dtype=np.int64)
    for chunk in _chunks(ids):
        numbers += _delete_chunk(tx, chunk)
    n_labels, n_predictions, n_features = numbers.tolist()
    managed = {row.path: row.content_hash for row in going if row.storage == Storage.MANAGED}
    return RemovedImages(
        image_ids=ids,
        labels=n_labels,
        predictions=n_predictions,
        features=n_features,
        content_hashes=tuple(row.content_hash for row in going if row.content_hash is not None),
        unused_files=_unused(tx, managed),
    )


def _going(
    tx: Transaction, which: Sequence[int] | NDArray[np.int64] | sa.ColumnElement[bool]
) -> Sequence[Any]:
    c = images.c
    query = sa.select(c.id, c.path, c.content_hash, c.storage).order_by(c.id)
    if isinstance(which, sa.ColumnElement):
        return tx.conn.execute(query.where(which)).all()
    ids = np.unique(np.asarray(which, dtype=np.int64))
    return [
        row
        for chunk in _chunks(ids)
        for row in tx.conn.execute(query.where(tx.dialect.ids_in(c.id, chunk)))
    ]


def _delete_chunk(tx: Transaction, ids: NDArray[np.int64]) -> tuple[int, int, int]:
    """Numbers of labels, predictions and vectors that went with these images."""
    ids_in = tx.dialect.ids_in
    n_labels = delete_labels(tx, ids_in(labels.c.image_id, ids))
    n_predictions = delete_predictions(tx, ids_in(predictions.c.image_id, ids))
    n_features = _delete_vectors(tx, ids_in(features.c.image_id, ids))
    anchors.keep_ties(tx, ids)
    tx.conn.execute(images.delete().where(ids_in(images.c.id, ids)))
    return n_labels, n_predictions, n_features


def _delete_vectors(tx: Transaction, condition: sa.ColumnElement[bool]) -> int:
    c = features.c
    deleted = 0
    for each in feature_queries.sets(tx):
        of_set = (
            c.feature_type == each.feature_type,
            c.extractor_version == each.extractor_version,
        )
        fewer = tx.conn.execute(features.delete().where(*of_set, condition)).rowcount
        if fewer:
            feature_queries.grow(tx, each, -fewer)  # copies of the set are built anew
        deleted += fewer
    return deleted


def _chunks(ids: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Ascending ids, so many as one statement takes well."""
    for start in range(0, len(ids), rows.CHUNK):
        yield ids[start : start + rows.CHUNK]


def _unused(tx: Transaction, managed: dict[str, str | None]) -> tuple[ManagedFile, ...]:
    """Those files that no other image, and no alias of one, names."""
    named: set[str] = set()
    for column in (images.c.path, image_aliases.c.path):
        query = sa.select(column).where(tx.dialect.ids_in(column, list(managed)))
        named |= set(tx.conn.scalars(query))
    return tuple(ManagedFile(p, content) for p, content in managed.items() if p not in named)
