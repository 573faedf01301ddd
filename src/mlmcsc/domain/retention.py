"""Retention: which data are kept how long, what then happens to them, and what holds them back.

Storage limitation is GDPR Art. 5(1)(e); that a legal hold wins is Art. 17(3)(e).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from mlmcsc.domain.records import Record
from mlmcsc.errors import ValidationError

Periods = Mapping[str, int | None]
"""Days that each data type is kept, by its name; None: until somebody deletes it."""


class Action(StrEnum):
    """What happens to data beyond their period."""

    DELETE = "delete"
    REDACT = "redact"
    """The personal part and the payload go, the audit trail's skeleton and its proofs stay."""
    ANONYMISE = "anonymise"


class Cause(StrEnum):
    """Why data beyond their period stay."""

    PERSON = "legal hold on a person"
    RESTRICTED = "restriction of processing"
    SPECIMEN = "legal hold on a specimen"
    LABELS = "image has labels to be kept"
    PREDICTIONS = "image has predictions to be kept"
    ANY_HOLD = "bulk event, while something is held or restricted"
    UNSEALED = "event without commitments"


@dataclass(frozen=True, slots=True)
class DataType:
    """One kind of data with a period.

    Attributes:
        name: What it is called in commands.
        setting: The key of section `retention` that holds its period, in days.
        since: The moment from which the period counts.
        action: What happens to it afterwards.
        effect: The same, told to a person.
    """

    name: str
    setting: str
    since: str
    action: Action
    effect: str


TYPES = {
    kind.name: kind
    for kind in (
        DataType(
            "labels",
            "label_retention_days",
            "the label's time",
            Action.DELETE,
            "deleted with their revisions; no image changes its split",
        ),
        DataType(
            "predictions",
            "prediction_retention_days",
            "the prediction's time",
            Action.DELETE,
            "deleted",
        ),
        DataType(
            "images",
            "image_retention_days",
            "the image's entry",
            Action.DELETE,
            "deleted with vectors, fingerprints, thumbnails and managed copies; files of the "
            "laboratory stay",
        ),
        DataType("metrics", "metrics_retention_days", "the measurement", Action.DELETE, "deleted"),
        DataType(
            "login_attempts",
            "login_attempt_retention_days",
            "the attempt",
            Action.DELETE,
            "deleted",
        ),
        DataType(
            "sessions",
            "session_retention_days",
            "the session's end",
            Action.DELETE,
            "deleted",
        ),
        DataType(
            "api_tokens", "session_retention_days", "the token's end", Action.DELETE, "deleted"
        ),
        DataType("alerts", "operation_retention_days", "the alert's end", Action.DELETE, "deleted"),
        DataType("job_runs", "operation_retention_days", "the run's end", Action.DELETE, "deleted"),
        DataType(
            "privacy_requests",
            "privacy_request_retention_days",
            "the answer",
            Action.DELETE,
            "deleted",
        ),
        DataType(
            "privacy_holds",
            "privacy_request_retention_days",
            "the release",
            Action.DELETE,
            "released ones are deleted",
        ),
        DataType(
            "audit",
            "audit_retention_days",
            "the event",
            Action.REDACT,
            "who and payload are removed; the event and its proof stay",
        ),
        DataType(
            "technicians",
            "anonymize_after_days",
            "the last activity",
            Action.ANONYMISE,
            "replaced by pseudonyms, labels kept: by `privacy anonymize`",
        ),
    )
}
"""By name, in the order in which they are dealt with: an image goes after its labels."""


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


@dataclass(frozen=True, slots=True)
class AppliedType(Record):
    """What became of one data type.

    Attributes:
        type: The data type.
        action: What was done.
        rows: To how many rows.
        batches: In how many transactions, each with its event.
        along: Rows of other tables that went with them, by table.
    """

    type: str
    action: Action
    rows: int
    batches: int
    along: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RetentionReport(Record):
    """What `retention apply` did.

    Attributes:
        started_at: When it began; every cut-off counts from here.
        types: One line per data type.
        files_removed: Managed copies and thumbnails deleted.
        files_left: Files of the laboratory whose images are forgotten: they stay where they are.
        examples_left: Paths of the first of them.
    """

    started_at: datetime
    types: tuple[AppliedType, ...]
    files_removed: int
    files_left: int
    examples_left: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Rows deleted or redacted."""
        return sum(line.rows for line in self.types)


def chosen(only: Collection[str]) -> tuple[DataType, ...]:
    """The data types of these names, in order of application; no name means all.

    Raises:
        ValidationError: There is no such data type.
    """
    unknown = sorted(set(only) - TYPES.keys())
    if unknown:
        raise ValidationError(
            f"{', '.join(map(repr, unknown))}: no data type with a retention period. Choose from "
            f"{', '.join(TYPES)}."
        )
    return tuple(kind for name, kind in TYPES.items() if not only or name in only)


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
