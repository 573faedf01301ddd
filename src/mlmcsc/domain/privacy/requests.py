"""What people ask for, and how it was answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum

from mlmcsc.domain.fields import Field, Kind
from mlmcsc.domain.privacy.deadlines import deadline
from mlmcsc.domain.records import Record


class RequestKind(StrEnum):
    """By the articles of GDPR."""

    ACCESS = "access"
    """Art. 15."""
    PORTABILITY = "portability"
    """Art. 20."""
    RECTIFICATION = "rectification"
    """Art. 16."""
    ERASURE = "erasure"
    """Art. 17."""
    RESTRICTION = "restriction"
    """Art. 18."""
    OBJECTION = "objection"
    """Art. 21."""


OPEN, DONE, REFUSED = "open", "done", "refused"


@dataclass(frozen=True, slots=True)
class RequestRecord(Record):
    """One request.

    Attributes:
        id: Its number.
        kind: What was asked for.
        person: Staff number, login or written name; None once erased.
        subject_id: The person's random id.
        received_at: When it arrived.
        due_at: The end of the time limit.
        state: `open`, `done` or `refused`.
        closed_at: When it was answered.
        handled_by: Random id of who answered.
        outcome: The answer in words; why the time limit was extended.
    """

    id: int
    kind: str
    person: str | None
    subject_id: str
    received_at: datetime
    due_at: datetime
    state: str
    closed_at: datetime | None
    handled_by: str | None
    outcome: str | None

    @property
    def extended(self) -> bool:
        """Whether the time limit was extended by two months."""
        return self.due_at > due(self.received_at.date())

    def overdue(self, now: datetime) -> bool:
        """Whether it is unanswered after its time limit, or was answered after it."""
        return (self.closed_at or now) > self.due_at


def due(received: date, *, extended: bool = False) -> datetime:
    """The last second of the time limit, UTC; see `mlmcsc.domain.privacy.deadlines.deadline`."""
    return datetime.combine(deadline(received, extended=extended), time(23, 59, 59), UTC)


OUTCOME = Field("outcome", Kind.TEXT, "the answer in words", required=True, max_length=2000)
EXTENSION_REASON = Field(
    "reason", Kind.TEXT, "why the time limit is extended", required=True, max_length=1000
)
