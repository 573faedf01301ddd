"""Rows on their way back from an archive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from mlmcsc.domain.archives import ArchiveFile, ArchiveRecord
from mlmcsc.errors import ConflictError
from mlmcsc.store.models import (
    feature_sets,
    features,
    frozen_images,
    labels,
    metadata,
    split_anchors,
    technicians,
    version_features,
)
from mlmcsc.store.queries import rows
from mlmcsc.store.queries.features import ensure_set, new_token
from mlmcsc.store.queries.quality.additions import mark_put_back
from mlmcsc.store.uow import Transaction

Condition = sa.ColumnElement[bool]


def bring_in(tx: Transaction, file: ArchiveFile, chunks: Iterable[list[tuple[Any, ...]]]) -> int:
    """Insert archived rows under their own ids, and say how many.

    Raises:
        ConflictError: An id is taken, or something that a row refers to is gone.
    """
    table, names = metadata.tables[file.table], list(file.columns)
    encoders = [
        None if kind == "json" else tx.dialect.encoder(table.c[name])
        for name, kind in file.columns.items()
    ]
    count = 0
    for chunk in chunks:
        by_name = dict(zip(names, zip(*chunk, strict=True), strict=True))
        _refuse_conflicts(tx, table, by_name)
        values = [
            column if encode is None else map(encode, column)
            for column, encode in zip(by_name.values(), encoders, strict=True)
        ]
        tx.dialect.insert_rows(tx.conn, table, names, list(zip(*values, strict=True)))
        mark_put_back(tx, table, by_name)
        count += len(chunk)
    return count


def _refuse_conflicts(
    tx: Transaction, table: sa.Table, values: Mapping[str, Sequence[Any]]
) -> None:
    taken = tx.conn.scalars(
        sa.select(table.c.id).where(tx.dialect.ids_in(table.c.id, values["id"])).limit(SHOWN)
    ).all()
    if taken:
        raise ConflictError(
            f"{table.name} has rows with archived ids already, e.g. {_told(taken)}; nothing was "
            "restored. Compare them with `archive find`, and delete those that are wrong."
        )
    for key in table.foreign_keys:
        if key.parent.name in values and key.column.table is not labels:
            wanted = set(values[key.parent.name])
            there = tx.dialect.ids_in(key.column, wanted)
            gone = wanted - set(tx.conn.scalars(sa.select(key.column).where(there)))
            if gone:
                raise ConflictError(
                    f"Rows of {table.name} refer to {key.column.table.name} that are gone, e.g. "
                    f"{_told(sorted(gone))}; nothing was restored."
                )
    if table is features:
        _refuse_newer_vectors(tx, values)
        _refuse_frozen_sets(tx, values)


_SET = ("feature_type", "extractor_version")


def _refuse_newer_vectors(tx: Transaction, values: Mapping[str, Sequence[Any]]) -> None:
    c = features.c
    ours = set(zip(*(values[n] for n in (*_SET, "image_id")), strict=True))
    query = sa.select(c.feature_type, c.extractor_version, c.image_id).where(
        tx.dialect.ids_in(c.image_id, set(values["image_id"]))
    )
    newer = sorted(ours & {tuple(row) for row in tx.conn.execute(query)})
    if newer:
        kind, version, image_id = newer[0]
        raise ConflictError(
            f"{len(newer)} images have been given new vectors since, e.g. image {image_id} by "
            f"{kind} {version}; nothing was restored."
        )


def _refuse_frozen_sets(tx: Transaction, values: Mapping[str, Sequence[Any]]) -> None:
    """A version reads its sets by the vectors' ids: what was away when it was made stays away."""
    v, z = version_features.c, frozen_images.c
    query = sa.select(v.feature_type, v.extractor_version, sa.func.max(v.marker))
    markers = {
        (kind, version): marker
        for kind, version, marker in tx.conn.execute(query.group_by(*(v[n] for n in _SET)))
    }
    coming = zip(*(values[n] for n in (*_SET, "id", "image_id")), strict=True)
    older = {image for *key, row, image in coming if row < markers.get(tuple(key), 0)}
    there = tx.dialect.ids_in(z.image_id, older)
    frozen = sorted(tx.conn.scalars(sa.select(z.image_id).where(there))) if older else []
    if frozen:
        raise ConflictError(
            f"{len(frozen)} images, e.g. image {frozen[0]}, were frozen in a data version while "
            "their vectors were archived, and the version must not change; nothing was restored. "
            "Store these vectors anew, or delete the version first."
        )


SHOWN = 5


def _told(ids: Sequence[Any]) -> str:
    return ", ".join(map(str, ids[:SHOWN]))


def settle(tx: Transaction, archive: ArchiveRecord) -> None:
    """Bring what depends on the rows of a table up to date after a restore.

    Raises:
        ConflictError: Vectors do not fit the set that they belong to.
    """
    if archive.table_name == "features":
        _settle_features(tx, features.c.id.between(archive.first_id, archive.last_id))
    elif archive.table_name == "labels":
        _settle_labels(tx, labels.c.id.between(archive.first_id, archive.last_id))


def _settle_features(tx: Transaction, around: Condition) -> None:
    """Count the vectors of the sets; copies of a set are built anew, not extended."""
    c, s = features.c, feature_sets.c
    shape = (c.feature_type, c.extractor_version, c.feature_dimension, c.dtype)
    query = sa.select(*shape).where(around).distinct().order_by(*shape)
    for kind, version, dimension, dtype in tx.conn.execute(query).all():
        found = ensure_set(tx, kind, version, dimension, dtype)
        if (found.feature_dimension, found.dtype) != (dimension, dtype):
            raise ConflictError(
                f"The archived vectors of {kind} {version} have {dimension} numbers of {dtype}, "
                f"those stored since {found.feature_dimension} of {found.dtype}; nothing was "
                "restored."
            )
        n_vectors = rows.count(tx, features, c.feature_type == kind, c.extractor_version == version)
        tx.conn.execute(
            feature_sets.update()
            .where(s.id == found.id)
            .values(n_vectors=n_vectors, tokens=[new_token()])
        )


def _settle_labels(tx: Transaction, around: Condition) -> None:
    """Count technicians' labels; a first label that is back needs no stand-in for its split."""
    c, t, a = labels.c, technicians.c, split_anchors.c
    counted = sa.select(sa.func.count()).where(c.technician_id == t.id).scalar_subquery()
    tx.conn.execute(
        technicians.update()
        .where(t.id.in_(sa.select(c.technician_id).where(around)))
        .values(total_labels=counted)
    )
    back = sa.select(c.id).where(around)
    tx.conn.execute(split_anchors.delete().where(a.first_label_id.in_(back)))
