"""What is due, and what is to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mlmcsc.domain.records import Record
from mlmcsc.domain.retention.types import Action, Cause, DataType


@dataclass(frozen=True, slots=True)
class Due:
    """Rows of one data type that are beyond their period.

    Attributes:
        rows: All of them.
        held_by: Those that stay, counted under the first cause that applies.
        oldest: The oldest one's moment.
    """

    rows: int = 0
    held_by: Mapping[Cause, int] = field(default_factory=dict)
    oldest: datetime | None = None


@dataclass(frozen=True, slots=True)
class PlannedType(Record):
    """One line of the plan.

    Attributes:
        type: The data type.
        setting: The setting that says how long.
        days: How long; None where nothing is due by time.
        since: From when it counts.
        cutoff: Older data are due.
        due: Rows beyond their period.
        held: Those of them that stay for now.
        held_by: Why, with counts.
        to_do: Rows that the action concerns now: `due` without `held`.
        oldest: The oldest due row's moment.
        action: What happens.
        effect: The same, told to a person.
    """

    type: str
    setting: str
    days: int | None
    since: str
    cutoff: datetime | None
    due: int
    held: int
    held_by: Mapping[str, int]
    to_do: int
    oldest: datetime | None
    action: Action
    effect: str


@dataclass(frozen=True, slots=True)
class RetentionPlan(Record):
    """What is due now; nothing was changed.

    Attributes:
        made_at: When it was made.
        types: One line per data type, in order of application.
    """

    made_at: datetime
    types: tuple[PlannedType, ...]

    @property
    def to_do(self) -> int:
        """Rows that are due and not held."""
        return sum(line.to_do for line in self.types)


def cutoff(now: datetime, days: int | None) -> datetime | None:
    """The moment before which data are beyond a period of `days` (of 24 hours); None: never."""
    return None if days is None else now - timedelta(days=days)


def planned(kind: DataType, days: int | None, before: datetime | None, due: Due) -> PlannedType:
    """The plan's line about one data type."""
    held = sum(due.held_by.values())
    return PlannedType(
        type=kind.name,
        setting=f"retention.{kind.setting}",
        days=days,
        since=kind.since,
        cutoff=before,
        due=due.rows,
        held=held,
        held_by={str(cause): count for cause, count in due.held_by.items()},
        to_do=due.rows - held,
        oldest=due.oldest,
        action=kind.action,
        effect=kind.effect,
    )


def inactive(last_active: datetime | None, created_at: datetime, before: datetime) -> bool:
    """Whether somebody was last active before the cut-off `before`.

    Who never did anything counts from when the entry was made.
    """
    return (created_at if last_active is None else last_active) < before
