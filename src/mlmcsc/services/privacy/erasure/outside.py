"""What an erasure reaches outside the database, put in its hands by `bootstrap`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypedDict

from mlmcsc.adapters.exported_files import removable, remove_exported
from mlmcsc.adapters.ledger import ErasureLedger
from mlmcsc.domain.backups.holdings import NamedBackups
from mlmcsc.domain.backups.left_behind import LeftBehind
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.privacy.erasure import LabelChoice
from mlmcsc.domain.privacy.persons import Person
from mlmcsc.domain.versions.redaction import VersionErasure, checkouts, unreached_lines
from mlmcsc.errors import HeldError
from mlmcsc.services.privacy.erasure.carried import Carried
from mlmcsc.services.privacy.kept_keys import KeptKeys
from mlmcsc.store.uow import Transaction


class _Versions(TypedDict):
    versions: VersionErasure
    unread: tuple[str, ...]


class Reached(_Versions):
    """Fields of the report: see `ErasureReport`; and why data versions cannot be read."""

    files: tuple[str, ...]
    archives: tuple[str, ...]
    caches: tuple[str, ...]
    archived: Mapping[str, int]
    exports_left: Mapping[str, str]


class EraseArchives(Protocol):
    """Erases a person in all archives; again, it finds nothing left to do."""

    def __call__(
        self,
        actor: Actor,
        technician_row: int | None,
        subject_id: str,
        identifiers: tuple[str, ...],
        pseudonym: str,
        *,
        labels: LabelChoice,
        dry_run: bool = False,
    ) -> Mapping[str, Any]:
        """What was done, or after a dry run would be, as numbers and names of archives."""
        ...


class FrozenData(Protocol):
    """Takes a person out of data versions; again, it finds nothing left to do."""

    def plan(
        self, technician_row: int | None, identifiers: Iterable[str], *, labels: LabelChoice
    ) -> VersionErasure:
        """What would be done."""
        ...

    def erase(
        self,
        actor: Actor,
        technician_row: int | None,
        identifiers: Iterable[str],
        *,
        labels: LabelChoice,
        told: Callable[[Transaction, VersionErasure], None],
    ) -> VersionErasure:
        """What was done; `told` is called in the transaction that does it."""
        ...

    def reach_again(self, actor: Actor) -> Sequence[VersionErasure]:
        """Redact what earlier erasures did not reach, where it was put back."""
        ...

    def remove_replaced(self, actor: Actor) -> int:
        """Remove the files whose place others took; says how many."""
        ...


RemoveExported = Callable[
    [Iterable[Mapping[str, str]], Iterable[str]], tuple[list[str], dict[str, str]]
]
"""Takes exports and a person's names; gives full paths deleted, and of others the reason."""


@dataclass(frozen=True, slots=True)
class Outside:
    """The surroundings of a database.

    Attributes:
        ledger: Where erasures are kept apart from the database and its backups.
        caches: Folder of derived data, such as thumbnails and feature matrices.
        forget_open: Lets go of the derived data that this process has open.
        erase_archives: Erases a person in the archives.
        versions: Takes a person out of data versions.
        checkpoint: Signs the audit trail; gives the checkpoint as plain values.
        kept_keys: The copies of people's wrapped data keys, kept for restores.
        backups: What backups there are that still name people, and until when.
        left_behind: What copies restores, drills and an adoption left beside the database.
        shred_left: Removes those that nobody holds or needs; gives what was there.
        remove_exported: Deletes exported files, if they are still what was exported.
    """

    ledger: ErasureLedger
    caches: Path
    forget_open: Callable[[], None]
    erase_archives: EraseArchives
    versions: FrozenData
    checkpoint: Callable[[Actor], Mapping[str, Any]]
    kept_keys: KeptKeys
    backups: Callable[[], NamedBackups]
    left_behind: Callable[[], LeftBehind]
    shred_left: Callable[[], LeftBehind]
    remove_exported: RemoveExported = remove_exported

    def refuse_held(self, actor: Actor, person: Person) -> None:
        """Refuse while archived labels of the person are of what is under a legal hold.

        Raises:
            HeldError: They are; nothing was done.
        """
        found = self.erase_archives(
            actor,
            person.technician_row,
            person.subject_id or "",
            person.identifiers,
            "",
            labels="delete",
            dry_run=True,
        )
        if found["n_held"]:
            raise HeldError(
                f"Legal holds keep {found['n_held']} archived labels of this person, whose notes "
                "only their key opens; nothing was erased. See `mlmcsc privacy holds`, and release "
                "them first."
            )

    def planned(
        self,
        actor: Actor,
        technician_row: int | None,
        subject_id: str | None,
        carried: Carried,
        labels: LabelChoice,
    ) -> Reached:
        """What would go outside the database."""
        archives = self.erase_archives(
            actor,
            technician_row,
            subject_id or "",
            carried.identifiers,
            "",
            labels=labels,
            dry_run=True,
        )
        files, left = removable(carried.exports, carried.identifiers)
        versions = self._planned_versions(technician_row, carried, labels)
        beside = self.left_behind()
        left |= checkouts(each.to_dict() for each in versions["versions"].recipients)
        return {
            "files": (*files, *beside.dead),
            "exports_left": left,
            "archived": archives["counts"],
            "archives": tuple(archives["rewritten"]),
            "caches": (str(self.caches),) if self.caches.is_dir() else (),
            **versions,
            "unread": (*self.backups().told(), *beside.told(), *versions["unread"]),
        }

    def _planned_versions(
        self, technician_row: int | None, carried: Carried, labels: LabelChoice
    ) -> _Versions:
        found = self.versions.plan(technician_row, carried.identifiers, labels=labels)
        unread = (*held_rows(found.n_held), *unreached_lines(found.unreached))
        return {"versions": found, "unread": unread}


def held_rows(number: int) -> tuple[str, ...]:
    """A line of what was not reached."""
    told = f"{number} rows of data versions stay as they are: their images are under legal hold."
    return (told,) if number else ()
