"""What the database knows of its erasure ledger, and which erasures of it are undone here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from mlmcsc.domain.privacy.erased import LedgerEntry
from mlmcsc.store.models import erasures, subjects, technicians
from mlmcsc.store.queries.rows import View

DONE = ""
UNCHECKABLE = (
    "cannot be checked: this database does not know the random id, and the ledger has no names. "
    "If the backup is older than the person's first entry in the vault, a name written in clear "
    "may be here: erase it by name."
)
STRANGER = (
    "cannot be told: technician {} is {} here, another person's random id. This database and the "
    "one that erased have diverged; if it is the same person, erase them by staff number."
)


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

    A technician whose subject id is unknown here, and who has none, was restored from before the
    vault had it, unless they were registered after the erasure: then the row's number is another
    person's. For others of whom nothing is known, see `untold`.
    """
    left = _left(view, entries)
    return [entry for entry in entries if left[entry.subject_id] is None]


def untold(view: View, entries: Sequence[LedgerEntry]) -> dict[str, str]:
    """Subject id to the reason, for those of whom nobody can tell whether they are here."""
    return {who: why for who, why in _left(view, entries).items() if why}


def _left(view: View, entries: Sequence[LedgerEntry]) -> dict[str, str | None]:
    """None where something is left, nothing where all is done, and else why it cannot be told."""
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

    def left(entry: LedgerEntry) -> str | None:
        if entry.subject_id in known:
            return DONE if known[entry.subject_id] else None
        if entry.technician_row is None:
            return UNCHECKABLE
        since, subject_id = registered.get(entry.technician_row, (None, None))
        if since is None or since >= datetime.fromisoformat(entry.erased_at):
            return DONE
        return None if subject_id is None else STRANGER.format(entry.technician_row, subject_id)

    return {entry.subject_id: left(entry) for entry in entries}


def _registered(view: View, rows: set[int | None]) -> dict[int, tuple[datetime, str | None]]:
    """When these technicians were registered who are not erased, and their subject ids."""
    s, t, gone = subjects.c, technicians.c, subjects.alias().c
    erased = sa.select(gone.technician_id).where(
        gone.technician_id.is_not(None), gone.erased_at.is_not(None)
    )
    query = (
        sa.select(t.id, t.created_at, s.subject_id)
        .outerjoin(subjects, s.technician_id == t.id)
        .where(view.dialect.ids_in(t.id, rows), t.id.not_in(erased))
    )
    return {row.id: (row.created_at, row.subject_id) for row in view.conn.execute(query)}
