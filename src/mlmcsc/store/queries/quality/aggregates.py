"""Sums that are kept per chunk of images, and the marks that say which of them are wrong by now.

How it stays right, whoever writes meanwhile:

1. *Claim.* On SQLite a trigger marks a chunk only when it finds no mark of it, so a mark must not
   be deleted while a later writer may have relied on it. Claimed marks have chunk -1 - c: a
   trigger does not find them, and who writes from now on leaves a mark of his own. Rows that
   were added there are marked now, and the largest ids remembered, in the same transaction.
2. *Look*, in one snapshot: the kept sums, the marks, rows with larger ids than the remembered,
   and new sums of what is marked, added to or missing.
3. *Keep*, one at a time: sums of a chunk are kept only when nobody has kept others since the
   snapshot, which a random stamp tells; the claimed marks that were seen are deleted.

Whoever commits after the claim leaves a mark, or a larger id, that this check does not take away;
so does whoever commits after the snapshot. A check whose
snapshot is older than that of one that kept its sums finds another stamp, and keeps nothing. What
is interrupted leaves marks behind, never wrong sums without a mark.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from mlmcsc.store.models import quality_aggregates, quality_marks
from mlmcsc.store.queries.quality import additions
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

_a, _m = quality_aggregates.c, quality_marks.c


@dataclass(frozen=True, slots=True)
class Standing:
    """What a snapshot says of the sums.

    Attributes:
        fresh: Chunk to its sums, right in this snapshot.
        stale: Chunks whose sums must be made, ascending.
        marks: Chunk to the ids of its marks.
        claimed: Those marks on which no later writer can have relied.
        stamps: Chunk to the stamp of the kept sums; missing where none are kept.
    """

    fresh: dict[int, Any]
    stale: tuple[int, ...]
    marks: Mapping[int, frozenset[int]]
    claimed: frozenset[int]
    stamps: Mapping[int, str]


def can_keep(view: View) -> bool:
    """Whether this database takes writes from us at all."""
    if view.conn.dialect.name == "sqlite":
        path = view.conn.scalar(sa.text("SELECT file FROM pragma_database_list WHERE seq = 0"))
        return not path or os.access(path, os.W_OK)
    rights = [
        sa.func.has_table_privilege(table.name, right)
        for table in (quality_aggregates, quality_marks)
        for right in ("SELECT", "INSERT", "DELETE")
    ]
    taking = sa.and_(
        ~sa.func.pg_is_in_recovery(),
        sa.func.current_setting("default_transaction_read_only") == "off",
    )
    return bool(view.conn.scalar(sa.select(sa.and_(taking, *rights))))


def must_claim(view: View) -> bool:
    """Whether there are marks that triggers find, or rows that have no marks yet."""
    if additions.told_by_triggers(view):
        return False
    unclaimed = view.conn.scalar(sa.select(_m.id).where(_m.chunk >= 0).limit(1))
    return unclaimed is not None or additions.seen(view) != additions.largest(view)


def claim(tx: Transaction) -> None:
    """Hide the marks from triggers, so that they may be deleted once seen; mark what was added."""
    tx.conn.execute(
        sa.update(quality_marks).where(_m.chunk >= 0).values(chunk=-1 - quality_marks.c.chunk)
    )
    if not additions.told_by_triggers(tx):
        additions.mark_added(tx)


def standing(view: View, basis: str, *, anew: bool = False) -> Standing:
    """Which sums are right in this snapshot.

    Args:
        view: An open transaction that sees one state throughout.
        basis: What the sums must have been made on: their version, and who was left out.
        anew: None are: look for chunks in every row of every table.
    """
    by_triggers = additions.told_by_triggers(view)
    marks: defaultdict[int, set[int]] = defaultdict(set)
    claimed = set()
    for mark, chunk in view.conn.execute(sa.select(_m.id, _m.chunk)):
        marks[chunk if chunk >= 0 else -1 - chunk].add(mark)
        if chunk < 0 or by_triggers:
            claimed.add(mark)
    seen = {} if by_triggers else additions.seen(view)
    added = additions.added(view, seen) if seen else set()
    stamps, fresh = {}, {}
    for chunk, kept in view.conn.execute(sa.select(_a.chunk, _a.sums).where(_a.chunk >= 0)):
        stamps[chunk] = kept["stamp"]
        right = chunk not in marks and chunk not in added and kept["basis"] == basis
        if right and seen is not None and not anew:
            fresh[chunk] = kept["sums"]
    there = additions.mentioned(view) if anew else additions.occupied(view)
    stale = ({*there} | stamps.keys() | marks.keys() | added) - fresh.keys()
    frozen = {chunk: frozenset(ids) for chunk, ids in marks.items()}
    return Standing(fresh, tuple(sorted(stale)), frozen, frozenset(claimed), stamps)


def keep(tx: Transaction, seen: Standing, basis: str, sums: Mapping[int, Any]) -> int:
    """Keep sums made in the snapshot of `seen`, of the chunks for which they are still the newest.

    Returns:
        How many were kept.
    """
    tx.dialect.lock_table(tx.conn, quality_aggregates)
    current = sa.select(_a.chunk, _a.sums).where(tx.dialect.ids_in(_a.chunk, list(sums)))
    stamps = {chunk: kept["stamp"] for chunk, kept in tx.conn.execute(current)}
    kept = [chunk for chunk in sums if stamps.get(chunk) == seen.stamps.get(chunk)]
    if not kept:
        return 0
    served = seen.claimed.intersection(m for c in kept for m in seen.marks.get(c, ()))
    tx.conn.execute(sa.delete(quality_marks).where(tx.dialect.ids_in(_m.id, served)))
    tx.conn.execute(sa.delete(quality_aggregates).where(tx.dialect.ids_in(_a.chunk, kept)))
    rows = [
        {
            "chunk": chunk,
            "sums": {"basis": basis, "stamp": uuid4().hex, "sums": sums[chunk]},
            "computed_at": tx.now,
        }
        for chunk in kept
    ]
    tx.conn.execute(sa.insert(quality_aggregates), rows)
    return len(kept)
