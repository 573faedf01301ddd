"""Rows that contradict other rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mlmcsc.domain.results import Finding
from mlmcsc.store.base import metadata
from mlmcsc.store.models import (
    feature_sets,
    features,
    images,
    label_revisions,
    labels,
    model_versions,
    technicians,
)
from mlmcsc.store.queries.rows import View
from mlmcsc.store.queries.validation.rules import Rule, broken_rules
from mlmcsc.store.queries.validation.rules import finding as found_by

Query = Callable[[], sa.Select[Any]]


def orphans(view: View, tables: Collection[str]) -> list[Finding]:
    """Rows that refer to nothing, for every foreign key of the schema."""
    return broken_rules(view, _orphan_rules(tables))


def _orphan_rules(tables: Collection[str]) -> Iterator[Rule]:
    for child in metadata.sorted_tables:
        for key in sorted(child.foreign_keys, key=lambda key: key.parent.name):
            parent = key.column.table
            if not {child.name, parent.name} <= set(tables):
                continue
            target = parent.alias()
            known = sa.exists().where(target.c[key.column.name] == key.parent)
            yield Rule(
                "orphan",
                child,
                sa.and_(key.parent.is_not(None), sa.not_(known)),
                f"{key.parent.name} names no row of {parent.name}. Restore the missing "
                f"{parent.name} from a backup; validate never deletes what refers to them.",
            )


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A check whose query yields the id of each wrong row first."""

    check: str
    table: str
    needs: frozenset[str]
    query: Query
    message: str
    repair: str | None = None


def contradictions(view: View, tables: Collection[str]) -> list[Finding]:
    """Rows whose counters, histories or companions disagree with them."""
    found: list[Finding] = []
    for check in CONTRADICTIONS:
        if check.needs <= set(tables):
            told = (check.table, check.message, check.repair)
            found += found_by(view, check.check, check.query(), *told)
    return found


def label_counts() -> sa.Select[Any]:
    """`(technician id, total_labels, labels counted)` where the two differ."""
    t = technicians.c
    made = (
        sa.select(labels.c.technician_id, sa.func.count().label("made"))
        .group_by(labels.c.technician_id)
        .subquery()
    )
    counted = sa.func.coalesce(made.c.made, 0)
    return (
        sa.select(t.id, t.total_labels, counted.label("counted"))
        .outerjoin(made, made.c.technician_id == t.id)
        .where(t.total_labels != counted)
    )


def vector_counts() -> sa.Select[Any]:
    """`(set id, n_vectors, vectors counted)` where the two differ."""
    s, counted = feature_sets.c, _vectors_per_set()
    real = sa.func.coalesce(counted.c.vectors, 0)
    return (
        sa.select(s.id, s.n_vectors, real.label("counted"))
        .outerjoin(
            counted,
            sa.and_(
                counted.c.feature_type == s.feature_type,
                counted.c.extractor_version == s.extractor_version,
            ),
        )
        .where(s.n_vectors != real)
    )


def _vectors_per_set() -> sa.Subquery:
    f = features.c
    return (
        sa.select(f.feature_type, f.extractor_version, sa.func.count().label("vectors"))
        .group_by(f.feature_type, f.extractor_version)
        .subquery()
    )


def _vectors_outside_their_set() -> sa.Select[Any]:
    f, s = features.c, feature_sets.c
    same = sa.and_(s.feature_type == f.feature_type, s.extractor_version == f.extractor_version)
    fits = sa.and_(s.feature_dimension == f.feature_dimension, s.dtype == f.dtype)
    return sa.select(f.id).outerjoin(feature_sets, same).where(sa.or_(s.id.is_(None), ~fits))


def _broken_histories() -> sa.Select[Any]:
    r = label_revisions.c
    kept = (
        sa.select(r.label_id, sa.func.count().label("kept"), sa.func.max(r.revision).label("last"))
        .group_by(r.label_id)
        .subquery()
    )
    before = labels.c.revision - 1
    whole = sa.and_(
        before == sa.func.coalesce(kept.c.kept, 0), before == sa.func.coalesce(kept.c.last, 0)
    )
    return sa.select(labels.c.id).outerjoin(kept, kept.c.label_id == labels.c.id).where(~whole)


def _active_models() -> sa.Select[Any]:
    m = model_versions.c
    others = model_versions.alias()
    another = sa.exists().where(others.c.is_active, others.c.id != m.id)
    return sa.select(m.id).where(m.is_active, another)


def _shared_content() -> sa.Select[Any]:
    shared = (
        sa.select(images.c.content_hash)
        .where(images.c.content_hash.is_not(None), images.c.is_valid)
        .group_by(images.c.content_hash)
        .having(sa.func.count() > 1)
    )
    return sa.select(images.c.id).where(images.c.is_valid, images.c.content_hash.in_(shared))


CONTRADICTIONS = (
    Contradiction(
        "label_count",
        "technicians",
        frozenset({"technicians", "labels"}),
        label_counts,
        "total_labels is not the number of labels.",
        "count the labels again",
    ),
    Contradiction(
        "vector_count",
        "feature_sets",
        frozenset({"feature_sets", "features"}),
        vector_counts,
        "n_vectors is not the number of vectors.",
        "count the vectors again",
    ),
    Contradiction(
        "vector_set",
        "features",
        frozenset({"feature_sets", "features"}),
        _vectors_outside_their_set,
        "Dimension or dtype is not that of the vector's feature set, or there is no such set. "
        "Extract these vectors again and store them with store_features(...).",
    ),
    Contradiction(
        "label_history",
        "labels",
        frozenset({"labels", "label_revisions"}),
        _broken_histories,
        "revision does not match the earlier values that are kept, so part of the history is "
        "missing. Compare `mlmcsc labels history ID` with the audit trail, or restore a backup.",
    ),
    Contradiction(
        "active_models",
        "model_versions",
        frozenset({"model_versions"}),
        _active_models,
        "More than one model is active. Choose one with `mlmcsc models activate VERSION`.",
    ),
    Contradiction(
        "same_content",
        "images",
        frozenset({"images"}),
        _shared_content,
        "Several valid images have the same content hash, so one picture may be in two splits. "
        "Mark all but one as invalid: `mlmcsc images set ID`, or update_image(id, is_valid=False).",
    ),
)
