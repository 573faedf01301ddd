"""How a database stands with regard to people's rights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from mlmcsc.domain.backups.left_behind import LeftBehind
from mlmcsc.domain.privacy.keys import KeyState
from mlmcsc.domain.privacy.requests import RequestRecord
from mlmcsc.domain.records import Record


@dataclass(frozen=True, slots=True)
class PeopleCounts(Record):
    """People by what is known of them; one person may be counted in several.

    Attributes:
        known: Who is in the vault and not erased.
        technicians: Those of them who measure.
        erased: Who was erased.
        restricted: Whose data may only be stored.
        held: Whose data must not be deleted.
        outside: Technicians whom only raw SQL has entered: the vault does not know them.
    """

    known: int
    technicians: int
    erased: int
    restricted: int
    held: int
    outside: int


@dataclass(frozen=True, slots=True)
class RequestCounts(Record):
    """The register of requests.

    Attributes:
        open: Unanswered.
        overdue: Unanswered after their time limit.
        answered_in_time: Answered within it.
        answered_late: Answered after it.
        next_due: The next time limit of an open one.
        overdue_ids: Their numbers.
    """

    open: int
    overdue: int
    answered_in_time: int
    answered_late: int
    next_due: datetime | None
    overdue_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AuditCounts(Record):
    """The audit trail, at a glance; `audit verify` checks it.

    Attributes:
        events: In the trail.
        checkpoints: Signed.
        last_checkpoint: When the last one was.
        last_size: How many events it covers.
    """

    events: int
    checkpoints: int
    last_checkpoint: datetime | None
    last_size: int


@dataclass(frozen=True, slots=True)
class PrivacyReport(Record):
    """The state of privacy.

    Attributes:
        generated_at: When.
        people: Subjects.
        requests: The register.
        erasures_finished: Persons whose erasure is complete.
        erasures_unfinished: Erasures that were interrupted.
        retention_due: Rows beyond their period and not held, by data type.
        retention_held: Rows beyond their period that a hold or restriction keeps, likewise.
        in_clear: Personal texts that are not sealed, rows by `table.column`.
        keys: Master keys.
        audit: The trail.
        archives: Archives with personal data.
        exports: Files with rows about people on record.
        unreplayed: Erasures of the ledger that this database has not done: a backup was restored.
            None where the ledger does not tell.
        ledger_problem: Why the erasure ledger cannot be relied upon; None where it can.
        untagged: Columns without a privacy tag.
        left_behind: What copies restores, drills and an adoption left beside the database.
        record_made_at: The record of processing activities is made anew whenever it is asked for.
        to_do: What needs action, each with the command that does it; empty if nothing.
    """

    generated_at: datetime
    people: PeopleCounts
    requests: RequestCounts
    erasures_finished: int
    erasures_unfinished: int
    retention_due: Mapping[str, int]
    retention_held: Mapping[str, int]
    in_clear: Mapping[str, int]
    keys: KeyState
    audit: AuditCounts
    archives: int
    exports: int
    unreplayed: int | None
    ledger_problem: str | None
    untagged: tuple[str, ...]
    left_behind: LeftBehind
    record_made_at: datetime
    to_do: tuple[str, ...]

    @property
    def is_fine(self) -> bool:
        """Whether nothing needs action."""
        return not self.to_do

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {**asdict(self), "is_fine": self.is_fine}


def counted(requests: list[RequestRecord], now: datetime) -> RequestCounts:
    """The register in numbers."""
    waiting = [request for request in requests if request.closed_at is None]
    answered = [request for request in requests if request.closed_at is not None]
    late = sum(request.overdue(now) for request in answered)
    overdue = [request.id for request in waiting if request.overdue(now)]
    return RequestCounts(
        open=len(waiting),
        overdue=len(overdue),
        answered_in_time=len(answered) - late,
        answered_late=late,
        next_due=min((request.due_at for request in waiting), default=None),
        overdue_ids=tuple(overdue),
    )


def actions(
    requests: RequestCounts,
    in_clear: Mapping[str, int],
    unfinished: int,
    unreplayed: int | str | None,
    keys: KeyState,
    untagged: tuple[str, ...],
) -> tuple[str, ...]:
    """What needs action, the most pressing first.

    `unreplayed` is their number, or why the ledger does not tell it.
    """
    found = []
    if keys.missing or keys.problem:
        found.append(
            f"the master key is not here ({keys.place}): put it back from its copy; without it no "
            "name can be shown"
        )
    if keys.kept.problem:
        found.append(keys.kept.problem)
    if isinstance(unreplayed, str):
        found.append(unreplayed)
    elif unreplayed:
        found.append(
            f"{unreplayed} erasure(s) of the ledger are undone in this database: run "
            "`mlmcsc privacy replay`"
        )
    if requests.overdue:
        numbers = ", ".join(map(str, requests.overdue_ids))
        found.append(
            f"request(s) {numbers} are overdue: answer, then `mlmcsc privacy requests close`"
        )
    if unfinished:
        found.append(
            f"{unfinished} erasure(s) were interrupted: run `mlmcsc privacy delete-user-data` "
            "for the same person again"
        )
    if in_clear:
        found.append(
            f"{sum(in_clear.values())} personal text(s) lie in clear: run `mlmcsc privacy seal`"
        )
    if keys.unfinished and not (keys.missing or keys.problem):
        found.append("a key rotation was interrupted: run `mlmcsc privacy rotate-key` again")
    if untagged:
        found.append(f"{len(untagged)} column(s) have no privacy tag: {', '.join(untagged)}")
    return tuple(found)
