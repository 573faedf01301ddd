"""What a restore would do, and what it did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mlmcsc.domain.records import Record

Steps = Mapping[str, float]
"""Seconds by step, in the order in which they were taken."""


@dataclass(frozen=True, slots=True)
class Losses(Record):
    """What was written after the backup, and is not in it.

    Attributes:
        n_writes: Events of the audit trail since; None where the live database cannot be read.
        last_write: When the last of them was, UTC; None where there is none.
        seconds: From the backup's moment to the last write: what is lost of the work (RPO).
    """

    n_writes: int | None
    last_write: datetime | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class RestorePlan(Record):
    """What a restore would do; told before anything is changed.

    Attributes:
        backup: The set's name, or a plain file.
        place: Where it lies.
        taken_at: When it was taken, UTC; None where nothing signed tells.
        database_id: Whose it is; None likewise.
        target: File or database that it would become.
        live: What is there now: `missing`, `sound`, `original`, `damaged`.
        elsewhere: Whether nothing is replaced.
        losses: What the live database has that the backup has not.
        erased_since: Erasures that would be done again.
        n_files: Files of the set that were verified.
        n_bytes: Bytes of the originals.
        warnings: What one should know.
    """

    backup: str
    place: str
    taken_at: datetime | None
    database_id: str | None
    target: str
    live: str
    elsewhere: bool
    losses: Losses
    erased_since: int
    n_files: int
    n_bytes: int
    warnings: tuple[str, ...] = ()


Agree = Callable[[RestorePlan], bool]
"""Asked once, when everything is verified and nothing is changed."""


@dataclass(frozen=True, slots=True)
class RestoreReport(Record):
    """A restore.

    Attributes:
        plan: What was told before.
        restored: Whether it was done; False after a dry run, or when the answer was no.
        target: File or database that was restored.
        safety: Name of the backup that was taken of the replaced database, or the file or
            database in which it is kept; None where there was none.
        kept_aside: The replaced database itself, where it stays: on PostgreSQL always.
        upgraded_from: Schema revision that was brought up to date; None where it was current.
        keys_restored: People whose data keys were put back.
        keys_missing: Subject ids of people whose sealed texts stay unreadable.
        erased_again: Subject ids of people who were erased once more.
        not_erased: Subject id to the reason, of people in the ledger who could not be erased.
        untold: Subject id to the reason, of people in the ledger whom this backup does not know.
        files_restored: Files of versions, archives and images that were put back.
        files_missing: Files that the restored database names and nobody has, with the reason.
        files_kept_aside: Files that were there, but damaged: where they are kept now.
        tidied: What dead restores had left, and what `drop_old` dropped.
        steps: Seconds by step.
        rto_seconds: From the first byte read to the database in its place.
        warnings: What one should know.
    """

    plan: RestorePlan
    restored: bool
    target: str
    safety: str | None = None
    kept_aside: str | None = None
    upgraded_from: str | None = None
    keys_restored: int = 0
    keys_missing: tuple[str, ...] = ()
    erased_again: tuple[str, ...] = ()
    not_erased: Mapping[str, str] = field(default_factory=dict)
    untold: Mapping[str, str] = field(default_factory=dict)
    files_restored: int = 0
    files_missing: Mapping[str, str] = field(default_factory=dict)
    files_kept_aside: tuple[str, ...] = ()
    tidied: tuple[str, ...] = ()
    steps: Steps = field(default_factory=dict)
    rto_seconds: float = 0.0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the caller decides about a restore.

    Attributes:
        dry_run: Say what would be done, and do nothing.
        without_ledger: Why erasures are not replayed where the ledger is missing; None: refuse.
        without_names: Whether people's sealed texts may stay unreadable.
        trust: Fingerprint (16 hex digits) of the audit key that is trusted without other proof.
        agree: Asked before anything is changed; None: go on.
        drop_old: Whether the databases go that earlier restores left on the server.
    """

    dry_run: bool = False
    without_ledger: str | None = None
    without_names: bool = False
    trust: str | None = None
    agree: Agree | None = None
    drop_old: bool = False
