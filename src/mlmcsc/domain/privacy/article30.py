"""The record of processing activities (GDPR Art. 30(1)(a) to (g)), made from the tags."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mlmcsc.domain.privacy.activities import ACTIVITIES
from mlmcsc.domain.privacy.limits import time_limit
from mlmcsc.domain.privacy.places import tagged_places
from mlmcsc.domain.privacy.tags import Activity, EraseAction, Source, SubjectKind
from mlmcsc.domain.records import Record
from mlmcsc.domain.retention import Periods

TO_BE_FILLED_IN = "(to be filled in by the controller)"

TRANSFERS = (
    "None by the program: it sends nothing to a third country or an international organisation. "
    "Where the laboratory puts its database, backups and exports is for the controller to add."
)

MEASURES = (
    (
        "Pseudonyms and encryption (Art. 32(1)(a)): each person has a random id and a data key "
        "of their own; the columns marked as sealed are stored under it with AES-256-GCM. The "
        "data key is stored wrapped by a master key, which lies outside the database and its "
        "backups; wrapped data keys are left out of backups, and kept for restores beside the "
        "master key, in a file of mode 0600."
    ),
    (
        "Confidentiality (Art. 32(1)(b)): whoever calls the program needs a right for each "
        "action; sealed texts are opened only for those who may read personal data, and "
        "restricted people's only for those who answer privacy requests."
    ),
    (
        "Integrity (Art. 32(1)(b)): each change leaves an event in the same transaction, in a "
        "trail that triggers keep append-only; a Merkle tree (RFC 6962) with Ed25519 signatures "
        "shows later changes to it."
    ),
    (
        "Erasure (Art. 5(1)(e) and 17): retention periods by kind of data; an erasure destroys "
        "the person's data key, which makes sealed texts unreadable in the trail, archives and "
        "exports, and in every backup, which holds no data key; staff numbers, logins and written "
        "names stay in backups until these are pruned. In plain copies of the database, and a "
        "server's base backups, sealed texts stay readable until the master key of their time is "
        "destroyed."
    ),
    (
        "Testing (Art. 32(1)(d)): the trail can be checked at any time, by a third party too; "
        "the tests of the program try to forge it, and search for what was erased."
    ),
)

SUBJECTS = {
    SubjectKind.TECHNICIAN: "technicians, who measure",
    SubjectKind.ACTOR: "users of the program",
    SubjectKind.VERIFIER: "people who check measurements",
    SubjectKind.AUTHOR: "authors of texts, and people named in them",
    SubjectKind.PERSON: "any of the people in the vault and the registers of rights",
}


@dataclass(frozen=True, slots=True)
class ProcessedField(Record):
    """One personal column.

    Attributes:
        table: Table.
        column: Column.
        subject: Whom it speaks of.
        category: Category of data.
        time_limit: How long it is kept.
        source: Where it comes from.
        sealed: Whether it is stored under the person's data key.
        action: What erasure does to it.
        ground: By which law.
    """

    table: str
    column: str
    subject: SubjectKind
    category: str
    time_limit: str
    source: Source
    sealed: bool
    action: EraseAction
    ground: str


@dataclass(frozen=True, slots=True)
class ProcessingActivity(Record):
    """One activity.

    Attributes:
        name: Heading.
        purpose: Art. 30(1)(b).
        legal_basis: Art. 6; not asked for by Art. 30, but by Art. 13 and 15.
        subjects: Categories of data subjects, Art. 30(1)(c).
        categories: Categories of personal data, Art. 30(1)(c).
        recipients: Categories of recipients, Art. 30(1)(d).
        time_limits: Envisaged time limits for erasure, Art. 30(1)(f).
        fields: The columns.
    """

    name: str
    purpose: str
    legal_basis: str
    subjects: tuple[str, ...]
    categories: tuple[str, ...]
    recipients: tuple[str, ...]
    time_limits: tuple[str, ...]
    fields: tuple[ProcessedField, ...]


@dataclass(frozen=True, slots=True)
class ProcessingRecord(Record):
    """The whole record.

    Attributes:
        controller: Name and contact details, Art. 30(1)(a).
        officer: Contact of the data protection officer, Art. 30(1)(a).
        activities: Art. 30(1)(b), (c), (d) and (f).
        transfers: Art. 30(1)(e).
        measures: Technical and organisational security measures, Art. 30(1)(g).
    """

    controller: str
    officer: str
    activities: tuple[ProcessingActivity, ...]
    transfers: str
    measures: tuple[str, ...]


def processing_record(
    periods: Periods, controller: str | None = None, officer: str | None = None
) -> ProcessingRecord:
    """The record of processing activities as the database is set up.

    Args:
        periods: Days by data type, as `retention apply` uses them.
        controller: Name and contact details of the controller.
        officer: Contact details of the data protection officer.

    Raises:
        ValidationError: A period that a tag names is missing.
    """
    return ProcessingRecord(
        controller=controller or TO_BE_FILLED_IN,
        officer=officer or TO_BE_FILLED_IN,
        activities=tuple(_recorded(activity, periods) for activity in ACTIVITIES),
        transfers=TRANSFERS,
        measures=MEASURES,
    )


def _recorded(activity: Activity, periods: Periods) -> ProcessingActivity:
    fields = tuple(
        ProcessedField(
            table=table,
            column=column,
            subject=tag.subject,
            category=tag.category,
            time_limit=time_limit(tag, periods),
            source=tag.source,
            sealed=tag.sealed,
            action=tag.action,
            ground=tag.ground,
        )
        for table, column, tag in tagged_places()
        if tag.activity is activity
    )
    return ProcessingActivity(
        name=activity.name,
        purpose=activity.purpose,
        legal_basis=activity.basis,
        subjects=_each_once(SUBJECTS[field.subject] for field in fields),
        categories=_each_once(field.category for field in fields),
        recipients=activity.recipients,
        time_limits=_each_once(f"{field.category}: {field.time_limit}" for field in fields),
        fields=fields,
    )


def _each_once(values: Iterable[str]) -> tuple[str, ...]:
    """The values in order of first appearance."""
    return tuple(dict.fromkeys(values))
