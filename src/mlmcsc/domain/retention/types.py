"""The kinds of data that have a period, and what happens to them afterwards."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

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
    VERSION = "in a frozen version"
    LABELS = "image has labels to be kept"
    PREDICTIONS = "image has predictions to be kept"
    ARCHIVED = "image may have archived labels to be kept"
    ANY_HOLD = "many rows in one, while something is held or restricted"
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
            "deleted with their revisions; no image changes its split, and data versions keep "
            "their values",
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
            "laboratory stay, and so do images of data versions",
        ),
        *(
            DataType(
                f"archived_{name}",
                setting,
                "its youngest row's time",
                Action.DELETE,
                f"whole archives of {name} are deleted with their files",
            )
            for name, setting in (
                ("labels", "label_retention_days"),
                ("predictions", "prediction_retention_days"),
                ("metrics", "metrics_retention_days"),
            )
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
            "label_reservations",
            "operation_retention_days",
            "the image's return",
            Action.DELETE,
            "deleted",
        ),
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
