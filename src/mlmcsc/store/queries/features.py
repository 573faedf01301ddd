"""Feature vectors and the sets they form."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.domain.records import FeatureRecord
from mlmcsc.domain.results import Page
from mlmcsc.errors import AmbiguousError, UnknownRecordError
from mlmcsc.store.models import (
    feature_revisions,
    feature_sets,
    features,
    frozen_images,
    version_features,
)
from mlmcsc.store.queries import batches, rows
from mlmcsc.store.queries.rows import View, given
from mlmcsc.store.uow import Transaction

STREAM_ROWS = 4096
"""Vectors fetched at a time: 8 MiB of 512 float32."""
TOKENS = 64
"""Writes that a set remembers: a reader's copy that is further behind is built anew."""


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """All vectors of one type by one extractor."""

    id: int
    feature_type: str
    extractor_version: str
    feature_dimension: int
    dtype: str
    n_vectors: int


@dataclass(frozen=True, slots=True)
class Replaced:
    """Vectors that were removed because new ones take their place.

    Attributes:
        ids: Their ids, ascending, shape `(N,)`, int64.
        image_ids: Whose, ascending, shape `(N,)`, int64.
        digest: SHA-256 (hex) of the rows `(id, image_id, feature_vector)` by image, as
            `mlmcsc.store.queries.batches.digest` makes it.
    """

    ids: NDArray[np.int64]
    image_ids: NDArray[np.int64]
    digest: str


def sets(view: View, feature_type: str | None = None) -> list[FeatureSet]:
    """The sets that hold vectors, oldest first."""
    query = rows.select_record(feature_sets, FeatureSet).where(feature_sets.c.n_vectors > 0)
    if feature_type is not None:
        query = query.where(feature_sets.c.feature_type == feature_type)
    return [FeatureSet(*row) for row in view.conn.execute(query.order_by(feature_sets.c.id))]


def choose(view: View, feature_type: str, version: str | None) -> FeatureSet:
    """The one set that is meant: a matrix never mixes extractor versions.

    Raises:
        UnknownRecordError: No such features; the message lists what is stored.
        AmbiguousError: Several versions are stored and none is named; the message lists them.
    """
    found = [s for s in sets(view, feature_type) if version in {None, s.extractor_version}]
    if len(found) == 1:
        return found[0]
    if found:
        told = ", ".join(f"{s.extractor_version!r} ({s.n_vectors} images)" for s in found)
        raise AmbiguousError(
            f"{feature_type!r} features were extracted by several versions: {told}. "
            "Say which with extractor_version=."
        )
    known = ", ".join(f"{s.feature_type} {s.extractor_version}" for s in sets(view))
    asked = f"{feature_type} {version}" if version else feature_type
    raise UnknownRecordError(f"There are no {asked!r} features. Stored: {known or 'none'}.")


_ENSURE = sa.text(
    "INSERT INTO feature_sets (feature_type, extractor_version, feature_dimension, dtype) "
    "VALUES (:feature_type, :extractor_version, :dimension, :dtype) ON CONFLICT DO NOTHING"
)


def ensure_set(
    tx: Transaction, feature_type: str, extractor_version: str, dimension: int, dtype: str
) -> FeatureSet:
    """The set that these vectors belong to, created if it is new.

    The row stays locked until the transaction ends, so that `n_vectors` and `tokens` are
    exact under concurrent writers.
    """
    key = {"feature_type": feature_type, "extractor_version": extractor_version}
    tx.conn.execute(_ENSURE, {**key, "dimension": dimension, "dtype": dtype})
    c = feature_sets.c
    query = (
        rows.select_record(feature_sets, FeatureSet)
        .where(c.feature_type == feature_type, c.extractor_version == extractor_version)
        .with_for_update()
    )
    return FeatureSet(*tx.conn.execute(query).one())


def remove_vectors(
    tx: Transaction, feature_set: FeatureSet, image_ids: NDArray[np.int64]
) -> Replaced:
    """Delete the set's vectors of these images; says which there were, for the audit trail."""
    c = features.c
    of_these = (
        c.feature_type == feature_set.feature_type,
        c.extractor_version == feature_set.extractor_version,
        tx.dialect.ids_in(c.image_id, image_ids),
    )
    query = sa.select(c.id, c.image_id, c.feature_vector).where(*of_these).order_by(c.image_id)
    # Each vector only by its hash, as the digest takes it: all of them may not fit in memory.
    found = [
        (row.id, row.image_id, hashlib.sha256(row.feature_vector).hexdigest())
        for chunk in rows.stream(tx, query, STREAM_ROWS)
        for row in chunk
    ]
    if found:
        keep_frozen(tx, feature_set, tx.dialect.ids_in(c.image_id, image_ids))
        tx.conn.execute(features.delete().where(*of_these))
    both = np.asarray([row[:2] for row in found], dtype=np.int64).reshape(-1, 2)
    told = batches.digest(list(zip(*found, strict=True))) if found else ""
    return Replaced(np.sort(both[:, 0]), both[:, 1], told)


def keep_frozen(tx: Transaction, feature_set: FeatureSet, which: sa.ColumnElement[bool]) -> None:
    """Copy the set's vectors that some version holds, before they go; nothing where none does.

    A version reads the vectors with `id < marker` here, and of the copies those with
    `id < marker < gone_at`: all of these numbers are from the sequence of `features`. The set is
    locked, so no version freezes it meanwhile.

    Args:
        tx: The open transaction.
        feature_set: The set.
        which: Condition on `features`: those that go.
    """
    f, v, z = features.c, version_features.c, frozen_images.c
    key = (feature_set.feature_type, feature_set.extractor_version)
    of_set = (v.feature_type == key[0], v.extractor_version == key[1])
    newest = tx.conn.scalar(sa.select(sa.func.max(v.marker)).where(*of_set))
    if newest is None:
        return
    gone_at = tx.dialect.reserve_ids(tx.conn, features, 1)[0]
    kept = (f.id, f.image_id, f.feature_type, f.extractor_version, f.dtype)
    going = sa.select(*kept, sa.literal(int(gone_at)), f.feature_vector).where(
        f.feature_type == key[0],
        f.extractor_version == key[1],
        which,
        f.id < newest,  # what came after every version is in none
        f.image_id.in_(sa.select(z.image_id)),
    )
    names = [column.name for column in (*kept, feature_revisions.c.gone_at, f.feature_vector)]
    tx.conn.execute(feature_revisions.insert().from_select(names, going))


def new_token() -> str:
    """A name for one write that no other write has: 64 random bits, hex."""
    return secrets.token_hex(8)


def tokens(view: View, feature_set: FeatureSet) -> list[str]:
    """The names of the set's last writes, the newest last."""
    c = feature_sets.c
    return list(view.conn.execute(sa.select(c.tokens).where(c.id == feature_set.id)).scalar_one())


def grow(tx: Transaction, feature_set: FeatureSet, more: int) -> None:
    """Count new vectors and tell readers that the set has moved; `feature_set` is locked."""
    c = feature_sets.c
    newest = [*tokens(tx, feature_set), new_token()][-TOKENS:]
    tx.conn.execute(
        feature_sets.update()
        .where(c.id == feature_set.id)
        .values(n_vectors=c.n_vectors + more, tokens=newest)
    )


def stream(
    view: View, feature_set: FeatureSet, *, after_id: int = 0
) -> Iterator[Sequence[tuple[int, int, bytes]]]:
    """`(feature id, image id, raw vector)` in id order, in chunks."""
    c = features.c
    query = (
        sa.select(c.id, c.image_id, c.feature_vector)
        .where(
            c.feature_type == feature_set.feature_type,
            c.extractor_version == feature_set.extractor_version,
            c.id > after_id,
        )
        .order_by(c.id)
    )
    yield from rows.stream(view, query, STREAM_ROWS)


def vectors(
    view: View, feature_set: FeatureSet, image_ids: NDArray[np.int64]
) -> Mapping[int, bytes]:
    """Raw vectors of these images, straight from the table."""
    c = features.c
    query = sa.select(c.image_id, c.feature_vector).where(
        c.feature_type == feature_set.feature_type,
        c.extractor_version == feature_set.extractor_version,
        view.dialect.ids_in(c.image_id, image_ids),
    )
    return {row.image_id: row.feature_vector for row in view.conn.execute(query)}


def page(
    view: View, wanted: Mapping[str, Any], *, after_id: int, limit: int
) -> Page[FeatureRecord]:
    """Feature vectors by id."""
    c = features.c
    found = given(
        wanted,
        image_id=c.image_id.__eq__,
        image_ids=lambda ids: view.dialect.ids_in(c.image_id, ids),
        feature_type=c.feature_type.__eq__,
        extractor_version=c.extractor_version.__eq__,
    )
    return rows.page(view, features, _record, found, after_id=after_id, limit=limit, select=_SELECT)


_SELECT = sa.select(
    features.c.id,
    features.c.image_id,
    features.c.feature_type,
    features.c.extractor_version,
    features.c.extraction_timestamp,
    features.c.feature_dimension,
    features.c.dtype,
    features.c.extraction_time,
    features.c.preprocessing_params,
    features.c.feature_vector,
)


_DTYPE = 6
"""Position of `dtype` in `_SELECT` and in the record."""


def _record(*values: Any) -> FeatureRecord:
    fields = [*values[:-1], decode(values[-1], values[_DTYPE])]
    return FeatureRecord(*fields)


def decode(raw: bytes, dtype: str) -> NDArray[Any]:
    """A stored vector: raw little-endian numbers, read-only, no copy."""
    return np.frombuffer(raw, dtype=np.dtype(dtype).newbyteorder("<"))
