"""Legal holds, and restrictions of processing (GDPR Art. 18)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mlmcsc.domain.fields import Field, Kind
from mlmcsc.domain.records import Record


class HoldKind(StrEnum):
    """What is in force."""

    RESTRICT = "restrict"
    """The person's data are stored and not used (GDPR Art. 18(2))."""
    HOLD = "hold"
    """Nothing of the person or specimen is deleted: a legal duty or claim needs it."""


@dataclass(frozen=True, slots=True)
class HoldRecord(Record):
    """One restriction or hold.

    Attributes:
        id: Its number.
        kind: `restrict` or `hold`.
        person: Staff number, login or written name; None for a specimen.
        subject_id: The person's random id; None for a specimen.
        specimen_id: The specimen; None for a person.
        ground: Why it was placed.
        placed_at: When.
        placed_by: Random id of who placed it.
        released_at: When it ended; None while it is in force.
        released_by: Random id of who ended it.
        release_reason: Why it ended.
    """

    id: int
    kind: str
    person: str | None
    subject_id: str | None
    specimen_id: str | None
    ground: str
    placed_at: datetime
    placed_by: str
    released_at: datetime | None
    released_by: str | None
    release_reason: str | None


GROUND = Field("ground", Kind.TEXT, "why, for the record", required=True, max_length=1000)
REASON = Field("reason", Kind.TEXT, "why it is released", required=True, max_length=1000)
PERSON = Field(
    "person", Kind.TEXT, "staff number, login or subject id", required=True, max_length=100
)
SPECIMEN = Field(
    "specimen", Kind.TEXT, "specimen number", required=True, max_length=100, is_name=True
)
