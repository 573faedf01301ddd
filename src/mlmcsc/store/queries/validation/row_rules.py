"""What every single row must fulfil, read off the schema itself."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

import sqlalchemy as sa

from mlmcsc.domain.tables import WRITABLE
from mlmcsc.store.base import LARGEST, metadata
from mlmcsc.store.dialects.base import Dialect
from mlmcsc.store.models import features, images, label_revisions, labels, specimens
from mlmcsc.store.queries.validation.rules import Rule
from mlmcsc.store.types import UtcDateTime

CLOCK_SKEW = timedelta(minutes=5)
"""A row may be so far ahead of this computer's clock before it counts as in the future."""

LABELLED = frozenset(
    (spec.table, field.name)
    for spec in WRITABLE.values()
    for field in spec.fields
    if field.in_label_range
)
"""Columns whose range is this database's label range, not the default in the metadata."""

EXPIRY = "expires_at"
NUMBER_BYTES = {"float16": 2, "float32": 4, "float64": 8}

REMEDIES = {
    "labels": "Correct each with `mlmcsc labels correct ID --reason ...`.",
    "images": "Correct each with `mlmcsc images set ID ...`.",
    "specimens": "Correct each with db.specimens.update(specimen_id, ...).",
    "technicians": "Correct each with db.technicians.update(technician_id, ...).",
    "predictions": "Predict these images again: `mlmcsc predictions add`.",
    "features": "Extract these vectors again and store them with store_features(...).",
}
OTHERWISE = "Restore these rows from a backup."


def row_rules(
    tables: Collection[str], label_range: tuple[float, float], now: datetime, dialect: Dialect
) -> Iterator[Rule]:
    """The rules of the given tables, table by table."""
    for table in metadata.sorted_tables:
        if table.name in tables:
            if table is not label_revisions:  # history: a value since corrected may be wrong
                yield from _range_rules(table, label_range)
                yield from _number_rules(table)
            yield from _time_rules(table, now, dialect)
            yield from (rule for rule in _special_rules() if rule.table is table)


def _range_rules(table: sa.Table, label_range: tuple[float, float]) -> Iterator[Rule]:
    low, high = label_range
    limits = {
        _column_of(check): str(check.sqltext)
        for check in table.constraints
        if isinstance(check, sa.CheckConstraint)
    }
    limits |= {c: f"{c} >= {low!r} AND {c} <= {high!r}" for t, c in LABELLED if t == table.name}
    for column, limit in sorted(limits.items()):
        broken: sa.ColumnElement[bool] = sa.not_(sa.literal_column(f"({limit})", sa.Boolean))
        if column in table.c and isinstance(table.c[column].type, sa.Float):
            broken = sa.and_(broken, _finite(table.c[column]))  # the others are `not_finite`
        yield Rule("broken_range", table, broken, f"It must hold that {limit}. {_remedy(table)}")


def _column_of(check: sa.CheckConstraint) -> str:
    name = str(check.name).removeprefix(f"ck_{check.table.name}_")
    return name.removesuffix("_range").removesuffix("_known")


def _finite(column: sa.Column[float]) -> sa.ColumnElement[bool]:
    return sa.and_(column >= sa.text(f"-{LARGEST}"), column <= sa.text(LARGEST))


def _number_rules(table: sa.Table) -> Iterator[Rule]:
    for column in table.c:
        if isinstance(column.type, sa.Float):
            told = f"{column.name} is not a finite number. {_remedy(table)}"
            yield Rule("not_finite", table, sa.not_(_finite(column)), told)


def _time_rules(table: sa.Table, now: datetime, dialect: Dialect) -> Iterator[Rule]:
    for column in table.c:
        if not isinstance(column.type, UtcDateTime):
            continue
        readable = dialect.readable_time(column)
        told = (
            f"{column.name} cannot be read, and no call that needs it works. Write it in UTC as "
            f"YYYY-MM-DD HH:MM:SS, years 0001 to 9999. {OTHERWISE}"
        )
        yield Rule("unreadable_time", table, sa.not_(readable), told)
        if column.name != EXPIRY:
            told = (
                f"{column.name} is in the future. Check the clock and time zone of the computer "
                f"or instrument that wrote it. {_remedy(table)}"
            )
            ahead = sa.and_(readable, column > now + CLOCK_SKEW)
            yield Rule("future_time", table, ahead, told)


def _special_rules() -> Iterator[Rule]:
    who, when = labels.c.verified_by, labels.c.verification_timestamp
    yield Rule(
        "verification",
        labels,
        sa.case(
            (labels.c.is_verified, sa.or_(who.is_(None), when.is_(None))),
            else_=sa.or_(who.is_not(None), when.is_not(None)),
        ),
        "Verified without saying by whom and when, or the reverse. Say it with "
        "`mlmcsc labels verify ID --by NAME`.",
    )
    for table in (specimens, images):
        yield Rule(
            "empty_specimen",
            table,
            sa.func.trim(table.c.specimen_id) == "",
            f"specimen_id is blank. {_remedy(table)}",
        )
    yield Rule(
        "hash_algorithm",
        images,
        sa.and_(
            images.c.content_hash.is_not(None),
            sa.func.coalesce(images.c.hash_algorithm, "") != "sha256",
        ),
        "The content hash is not SHA-256, so the file cannot be compared with it. Restore these "
        "rows from a backup.",
    )
    width = sa.case(NUMBER_BYTES, value=features.c.dtype)
    yield Rule(
        "vector_length",
        features,
        sa.func.length(features.c.feature_vector) != features.c.feature_dimension * width,
        f"The vector's bytes do not make feature_dimension numbers of its dtype. "
        f"{REMEDIES['features']}",
    )


def _remedy(table: sa.Table) -> str:
    return REMEDIES.get(table.name, OTHERWISE)
