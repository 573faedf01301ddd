"""Going back to a moment: what a server archives, what base backups there are, what was done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mlmcsc.domain.records import Record


@dataclass(frozen=True, slots=True)
class Archiving(Record):
    """Whether a server keeps its log.

    Attributes:
        wanted: Setting to the value that it should have.
        missing: What stands in the way, with the repair; empty: all is well.
        last_archived: Name of the last file that the server archived; None: none yet.
        last_archived_at: When.
        n_failed: Attempts that failed since the server's statistics began.
        last_failed_at: When the last of them did.
    """

    wanted: dict[str, str]
    missing: tuple[str, ...]
    last_archived: str | None
    last_archived_at: datetime | None
    n_failed: int
    last_failed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Base(Record):
    """A base backup.

    Attributes:
        name: What it is called.
        place: Where it lies.
        set_id: 32 hex digits of its own.
        from_: Earliest moment that can be gone back to with it.
        encrypted: Whether it is.
        stored_bytes: What lies there.
        first_log: First file of the archived log that it needs.
    """

    name: str
    place: str
    set_id: str
    from_: datetime
    encrypted: bool
    stored_bytes: int
    first_log: str


def log_still_needed(here: Iterable[Base], events: Iterable[Mapping[str, Any]], place: str) -> str:
    """The first file of the archived log that some base backup needs.

    Args:
        here: Base backups that stay in `place`; at least one.
        events: What the audit trail tells of base backups, oldest first: each that was made, with
            `name`, `place` and `first_log`; and those that were removed, with `place` and `pruned`.
        place: Of which `here` tells all there is; what lies in others only the trail tells.

    Returns:
        Its name. Order is by place in the log: the timeline, the first 8 digits, is passed over,
        as `pg_archivecleanup` does.
    """
    elsewhere: dict[tuple[str, str], str] = {}
    for event in events:
        where = str(event["place"])
        for name in event.get("pruned", ()):
            elsewhere.pop((where, str(name)), None)
        if "first_log" in event and where != place:
            elsewhere[where, str(event["name"])] = str(event["first_log"])
    needed = [*(each.first_log for each in here), *elsewhere.values()]
    return min(needed, key=lambda name: name[8:])


@dataclass(frozen=True, slots=True)
class PointReport(Record):
    """A server's folder that stands at a moment.

    Attributes:
        base: The base backup it was made from.
        folder: The server's folder.
        moment: What was asked for.
        last_write_at: Time of the last transaction that is in it; None: none since the base backup.
        database_id: What the database calls itself.
        erased_again: Subject ids of people whom the ledger told to erase again.
        not_erased: Subject id to the reason, for those that could not be.
        n_events: Events in the audit trail.
        problems: What the checks found.
        seconds: From the first byte read to the stopped server.
    """

    base: str
    folder: str
    moment: datetime
    last_write_at: datetime | None
    database_id: str
    erased_again: tuple[str, ...]
    not_erased: dict[str, str]
    n_events: int
    problems: tuple[str, ...]
    seconds: float
