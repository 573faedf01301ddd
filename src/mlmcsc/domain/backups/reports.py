"""What is told of backups that were made, found, checked and removed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mlmcsc.domain.backups.manifest import Kind
from mlmcsc.domain.records import Record

State = Literal["ok", "damaged", "unsigned", "another database's", "missing"]
"""Of a set as its manifest tells; whether its bytes are sound says `verify`.

`unsigned`: signed, but not by this database's key. `missing`: this database made it, and it is not
in its place any more.
"""


def megabytes_a_second(n_bytes: int, seconds: float) -> float:
    """Rate in MB/s, 10^6 bytes."""
    return n_bytes / 1e6 / seconds if seconds > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Fault(Record):
    """A file that is not as it should be.

    Attributes:
        name: The file.
        problem: What is wrong with it.
    """

    name: str
    problem: str


@dataclass(frozen=True, slots=True)
class BackupReport(Record):
    """A backup that was made.

    Attributes:
        name: What it is called.
        set_id: Which set it is, for good.
        place: Folder or URL in which it lies.
        path: The set itself.
        taken_at: Every write acknowledged before is in it, UTC.
        seconds: How long it took.
        n_bytes: Bytes of the originals.
        new_bytes: Bytes written; what the place had already was not written again.
        stored_bytes: Bytes that the set refers to.
        n_files: How many files.
        encrypted: Whether it is.
        with_images: Whether image files are in it.
        verified: Whether every byte that it refers to was read back.
        n_unread: Files that were not: those that the place had, and that were read within a week.
        rate: MB (10^6 bytes) of originals a second.
        left_out: Files that could not be taken: missing, or not what the database knows.
        written_anew: Shared files of earlier backups that were found damaged, and were written anew
            for this one.
        not_recorded: Why the database does not know of it, though it is whole; None: it does.
    """

    name: str
    set_id: str
    place: str
    path: str
    taken_at: datetime
    seconds: float
    n_bytes: int
    new_bytes: int
    stored_bytes: int
    n_files: int
    encrypted: bool
    with_images: bool
    verified: bool
    n_unread: int
    rate: float
    left_out: tuple[Fault, ...] = ()
    written_anew: tuple[Fault, ...] = ()
    not_recorded: str | None = None


@dataclass(frozen=True, slots=True)
class BackupEntry(Record):
    """A backup as it is found in a place; what its manifest does not tell is None.

    Attributes:
        name: What it is called.
        state: What its manifest tells.
        problem: What is wrong, unless `ok`.
        place: Folder or URL in which it lies.
        path: The set itself.
        set_id: Which set it is.
        database_id: Whose it is.
        kind: Why it was made.
        taken_at: When its snapshot was taken, UTC.
        finished_at: When it was whole.
        n_bytes: Bytes of the originals.
        stored_bytes: Bytes that it refers to.
        new_bytes: Bytes that were written for it.
        n_files: How many files.
        encrypted: Whether it is.
        with_images: Whether image files are in it.
        engine: Product that wrote it.
        schema_revision: Of the snapshot.
        release: The mlmcsc that made it.
        manifest_sha256: SHA-256 (hex) of the manifest file.
        verified_at: When every byte was last read and right; None: never, or a later check failed.
        found_damaged: Whether the last check of its bytes failed.
        drilled_at: When it was last restored to scratch.
        drill_passed: Whether that went well.
        rto_seconds: How long that took.
        rpo_seconds: What would have been lost just before it was whole.
    """

    name: str
    state: State
    problem: str | None = None
    place: str | None = None
    path: str | None = None
    set_id: str | None = None
    database_id: str | None = None
    kind: Kind | None = None
    taken_at: datetime | None = None
    finished_at: datetime | None = None
    n_bytes: int | None = None
    stored_bytes: int | None = None
    new_bytes: int | None = None
    n_files: int | None = None
    encrypted: bool | None = None
    with_images: bool | None = None
    engine: str | None = None
    schema_revision: str | None = None
    release: str | None = None
    manifest_sha256: str | None = None
    verified_at: datetime | None = None
    found_damaged: bool = False
    drilled_at: datetime | None = None
    drill_passed: bool | None = None
    rto_seconds: float | None = None
    rpo_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class VerifyReport(Record):
    """A backup that was read back.

    Attributes:
        name: Which.
        place: Where.
        state: What its manifest tells.
        n_files: Files read.
        n_bytes: Bytes read.
        seconds: How long it took.
        rate: MB (10^6 bytes) a second.
        deep: Whether the originals' hashes were checked too.
        faults: What is wrong; none: every byte is as it was signed.
    """

    name: str
    place: str
    state: State
    n_files: int
    n_bytes: int
    seconds: float
    rate: float
    deep: bool
    faults: tuple[Fault, ...]

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return self.state == "ok" and not self.faults


@dataclass(frozen=True, slots=True)
class KeptBackup(Record):
    """A backup that stays, and why."""

    name: str
    taken_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class PrunedBackup(Record):
    """A backup that goes."""

    name: str
    taken_at: datetime
    kind: Kind


@dataclass(frozen=True, slots=True)
class PruneReport(Record):
    """Backups that went, or would.

    Attributes:
        place: Where.
        pruned: What went.
        kept: What stays, and why.
        left_alone: Sets that are damaged or not this database's: nobody may judge them.
        n_objects: Shared files that no set refers to any more.
        freed_bytes: Space given back.
        tidied: Files of runs that died.
        dry_run: Whether nothing was done.
    """

    place: str
    pruned: tuple[PrunedBackup, ...]
    kept: tuple[KeptBackup, ...]
    left_alone: tuple[Fault, ...]
    n_objects: int
    freed_bytes: int
    tidied: int
    dry_run: bool


@dataclass(frozen=True, slots=True)
class ScrubReport(Record):
    """A place of backups, read whole.

    Attributes:
        place: Where.
        n_sets: Sets found.
        n_files: Files read.
        n_bytes: Bytes read.
        seconds: How long it took.
        rate: MB (10^6 bytes) a second.
        faults: Files that are damaged or missing, and sets that cannot be trusted.
        unknown: Files that belong to no set.
        repaired: Shared files that were written anew from what the database still has.
        removed: Shared encrypted files that were damaged and are removed: the next backup writes
            their content anew.
    """

    place: str
    n_sets: int
    n_files: int
    n_bytes: int
    seconds: float
    rate: float
    faults: tuple[Fault, ...]
    unknown: tuple[str, ...]
    repaired: tuple[str, ...]
    removed: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether all that was damaged is whole again."""
        return all(fault.name in self.repaired for fault in self.faults)
