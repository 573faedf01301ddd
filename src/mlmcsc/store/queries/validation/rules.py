"""Rules that one row alone can break, asked of a whole table in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from mlmcsc.domain.results import Finding
from mlmcsc.store.queries.rows import View

SHOWN = 100
"""Ids that a finding names."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Something that must hold for no row.

    Attributes:
        check: Name of the finding.
        table: Where.
        broken: Fits the rows that are wrong; unknown (NULL) counts as right.
        message: What is wrong with them and what to do.
    """

    check: str
    table: sa.Table
    broken: sa.ColumnElement[bool]
    message: str


def broken_rules(view: View, rules: Iterable[Rule]) -> list[Finding]:
    """The rules that rows break: one aggregate per table, ids only where there is something."""
    found = []
    for _, group in groupby(rules, key=lambda rule: rule.table.name):
        of_table = list(group)
        counts = view.conn.execute(_count(of_table)).one()
        found += [
            Finding(rule.check, rule.table.name, first_ids(view, rule), count, rule.message)
            for rule, count in zip(of_table, counts, strict=True)
            if count
        ]
    return found


def _count(rules: Sequence[Rule]) -> sa.Select[Any]:
    counts: list[sa.ColumnElement[Any]] = [
        sa.func.count(sa.case((rule.broken, 1))) for rule in rules
    ]
    query: sa.Select[Any] = sa.select(*counts)
    return query.select_from(rules[0].table)


def first_ids(view: View, rule: Rule) -> tuple[int, ...]:
    """The first hundred rows that break a rule."""
    key = id_column(rule.table)
    if key is None:
        return ()
    query = sa.select(key).where(rule.broken).order_by(key).limit(SHOWN)
    return tuple(view.conn.scalars(query))


def id_column(table: sa.Table) -> sa.Column[Any] | None:
    """The number that names a row to people; tables with text keys have none."""
    key = next(iter(table.primary_key.columns))
    return key if isinstance(key.type, sa.Integer) else None


def finding(
    view: View, check: str, query: sa.Select[Any], table: str, message: str, repair: str | None
) -> list[Finding]:
    """One finding from a query whose first column is the id of each wrong row, or none."""
    wrong = query.subquery()
    count = int(view.conn.scalar(sa.select(sa.func.count()).select_from(wrong)) or 0)
    if not count:
        return []
    key = wrong.c[0]
    ids = view.conn.scalars(sa.select(key).order_by(key).limit(SHOWN))
    return [Finding(check, table, tuple(ids), count, message, repair)]
