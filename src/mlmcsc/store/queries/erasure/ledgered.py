"""What the database knows of its erasure ledger, and which erasures of it are undone here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from mlmcsc.domain.privacy.erased import LedgerEntry
from mlmcsc.store.models import erasures, subjects, technicians
from mlmcsc.store.queries.rows import View


def lines(view: View) -> set[str]:
    """SHA-256 (hex) of each line that this database has seen written to its ledger."""
    return {
        sha256
        for steps in view.conn.scalars(sa.select(erasures.c.steps))
        for step in steps
        if step["step"] == "ledger"
        for sha256 in step["sha256"].values()
    }


def undone(view: View, entries: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """Those of whose people something is left here to be erased.

    A technician whose subject id is unknown here was restored from before the vault had it, unless
    they were registered after the erasure: then the row's number is another person's.
    """
    s, e = subjects.c, erasures.c
    finished = sa.func.coalesce(e.finished_at, sa.case((e.id.is_(None), s.erased_at)))
    known = {
        row.subject_id: row.erased_at is not None and row.finished is not None
        for row in view.conn.execute(
            sa.select(s.subject_id, s.erased_at, finished.label("finished"))
            .outerjoin(erasures, e.subject_id == s.subject_id)
            .where(view.dialect.ids_in(s.subject_id, [entry.subject_id for entry in entries]))
        )
    }
    rows = {entry.technician_row for entry in entries if entry.subject_id not in known} - {None}
    registered = _registered(view, rows) if rows else {}

    def is_done(entry: LedgerEntry) -> bool:
        since = registered.get(entry.technician_row)
        never_here = since is None or since >= datetime.fromisoformat(entry.erased_at)
        return known.get(entry.subject_id, never_here)

    return [entry for entry in entries if not is_done(entry)]


def _registered(view: View, rows: set[int | None]) -> dict[int | None, datetime]:
    """When these technicians were registered who are not erased."""
    s, t = subjects.c, technicians.c
    erased = sa.exists().where(s.technician_id == t.id, s.erased_at.is_not(None))
    query = sa.select(t.id, t.created_at).where(view.dialect.ids_in(t.id, rows), ~erased)
    return {row.id: row.created_at for row in view.conn.execute(query)}
