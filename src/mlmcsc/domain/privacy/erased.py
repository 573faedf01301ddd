"""What came of an erasure: the report, the steps, and what no erasure reaches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from mlmcsc.domain.privacy.erasure import LabelChoice, PlannedField
from mlmcsc.domain.records import Record

REPLAY: Final = "GDPR Art. 17(1): erased before, and restored from a backup"
"""The ground of an erasure that is done again."""

STEPS: Final = (
    "started",
    "ledger",
    "database",
    "data_keys",
    "archives",
    "versions",
    "caches",
    "exports",
    "vacuum",
    "certificate",
)
"""In order; each is repeated safely."""

NOT_REACHED: Final = (
    (
        "Backups made before: the person's data key is in none of them, and its only copy outside "
        "the database is destroyed, so that nobody can open their sealed texts there, whatever "
        "keys they have. Staff numbers, logins and written names such as verifiers' are in clear "
        "there until the backups are pruned, and so is a name in what others wrote for who has "
        "their keys. A restore does the erasure again, but without the full name and e-mail "
        "address, which nobody knows any more: others' texts are not searched for these."
    ),
    (
        "Plain copies of the database file, dumps by other tools, and a PostgreSQL server's base "
        "backups with the archived log: they hold the person's wrapped data key, so that sealed "
        "texts in them can be opened by whoever has the master key of their time, until it is "
        "destroyed (`mlmcsc privacy rotate-key --destroy-old`). Run `mlmcsc privacy replay` in a "
        "copy that is put to use. Old copies of the file of data keys open what backups hold."
    ),
    "Files that were exported, and then moved, copied or changed; those known are listed.",
    (
        "Copies of the folder of data versions, and exports of versions that were given away: they "
        "hold measurements under a number or a random code, and the version's title and "
        "description as they were worded then. Recipients of versions with measurements of the "
        "person are named here, to be told (GDPR Art. 19)."
    ),
    (
        "Files that belong to the user: imported tables and their files of rejected rows, copies "
        "of the database that a restore or an adoption kept aside (those that lie beside it are "
        "listed), and reports."
    ),
    (
        "Consensus values that were made with the person's measurements and then frozen in a data "
        "version, archived, or exported: numbers of several people together, under nobody's name. "
        "Where measurements are deleted, those in the database are deleted with them."
    ),
    "Names in the paths and in the pixels or metadata of image files.",
    (
        "Values by which records are found or which others refer to are not searched: specimen "
        "numbers, versions of models, of data and of extractors, names of metrics, fingerprints of "
        "alerts, holders of job leases, detection classes; nor is the raw output of predictions, "
        "nor archives of anything but labels."
    ),
    "A PostgreSQL server's write-ahead log, its archive and its replicas, until they are recycled.",
    "What a disk or file system keeps of deleted blocks: use an encrypted disk.",
)
"""Said in every certificate."""


@dataclass(frozen=True, slots=True)
class ErasedField(Record):
    """One line of the certificate.

    Attributes:
        table: Table.
        column: Column.
        action: ERASE, ANONYMISE, RESTRICT or KEEP.
        ground: The law by which.
        done: What is done, in words.
        count: Rows concerned; None where the value merely stays.
    """

    table: str
    column: str
    action: str
    ground: str
    done: str
    count: int | None


def counted_fields(
    plan: tuple[PlannedField, ...], counts: Mapping[str, int]
) -> tuple[ErasedField, ...]:
    """The plan with the number of rows of each place `table.column`."""
    return tuple(
        ErasedField(
            line.table,
            line.column,
            line.action.value,
            line.ground,
            line.done,
            counts.get(f"{line.table}.{line.column}"),
        )
        for line in plan
    )


@dataclass(frozen=True, slots=True)
class ErasureReport(Record):
    """What was done, or (after a dry run) would be.

    Attributes:
        subject_id: The person's random id; None if a dry run would give it.
        technician_row: The id in `technicians`; None for a person who never labelled.
        labels: `keep` or `delete`.
        ground: Why.
        request_id: The request that was answered.
        dry_run: Whether nothing was done.
        fields: Action, ground and count for each personal column.
        steps: Name, time and counts of each step done.
        started_at: When the erasure began; None after a dry run.
        finished_at: When it was complete.
        files: Paths of exported files, and of what killed restores and drills left, that were
            deleted, or after a dry run would be.
        archives: Names of archives that were written anew, or would be.
        versions: Rows of data versions that were redacted, or would be, by version.
        recipients: Exports of data versions that held rows of the person: who is to be told.
        caches: Folders of derived data that were emptied, or would be.
        exports_left: Exported files that were not deleted, with the reason, by path.
        not_reached: What no erasure reaches, and what this one did not.
        certificate: The signed certificate; None after a dry run.
        resumed: Subject ids of interrupted erasures that were finished on the way.
        unfinished: Subject id to the reason, for interrupted erasures that still cannot finish.
        refused: Why nothing is done to this one of many: a legal hold; empty for all others.
    """

    subject_id: str | None
    technician_row: int | None
    labels: LabelChoice
    ground: str
    request_id: int | None
    dry_run: bool
    fields: tuple[ErasedField, ...]
    steps: tuple[Mapping[str, Any], ...] = ()
    started_at: datetime | None = None
    finished_at: datetime | None = None
    files: tuple[str, ...] = ()
    archives: tuple[str, ...] = ()
    versions: Mapping[str, int] = field(default_factory=dict)
    recipients: tuple[Mapping[str, Any], ...] = ()
    caches: tuple[str, ...] = ()
    exports_left: Mapping[str, str] = field(default_factory=dict)
    not_reached: tuple[str, ...] = NOT_REACHED
    certificate: Mapping[str, Any] | None = None
    resumed: tuple[str, ...] = ()
    unfinished: Mapping[str, str] = field(default_factory=dict)
    refused: str = ""


@dataclass(frozen=True, slots=True)
class LedgerEntry(Record):
    """One line of the erasure ledger: no names.

    Attributes:
        database_id: Which database, and its copies.
        subject_id: Whom.
        technician_row: The id in `technicians`.
        labels: `keep` or `delete`.
        erased_at: When, RFC 3339 in UTC.
        withdrawn: Whether the erasure told by the person's line before was taken back.
    """

    database_id: str
    subject_id: str
    technician_row: int | None
    labels: LabelChoice
    erased_at: str
    withdrawn: bool = False
