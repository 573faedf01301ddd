"""What an erasure reaches outside the database, put in its hands by `bootstrap`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypedDict

from mlmcsc.adapters.exported_files import removable
from mlmcsc.adapters.ledger import ErasureLedger
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.privacy.erasure import LabelChoice
from mlmcsc.domain.privacy.persons import Person
from mlmcsc.errors import HeldError
from mlmcsc.services.privacy.erasure.carried import Carried


class Reached(TypedDict):
    """Fields of the report: see `ErasureReport`."""

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


@dataclass(frozen=True, slots=True)
class Outside:
    """The surroundings of a database.

    Attributes:
        ledger: Where erasures are kept apart from the database and its backups.
        caches: Folder of derived data, such as thumbnails and feature matrices.
        forget_open: Lets go of the derived data that this process has open.
        erase_archives: Erases a person in the archives.
        checkpoint: Signs the audit trail; gives the checkpoint as plain values.
    """

    ledger: ErasureLedger
    caches: Path
    forget_open: Callable[[], None]
    erase_archives: EraseArchives
    checkpoint: Callable[[Actor], Mapping[str, Any]]

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
        return {
            "files": tuple(files),
            "exports_left": left,
            "archived": archives["counts"],
            "archives": tuple(archives["rewritten"]),
            "caches": (str(self.caches),) if self.caches.is_dir() else (),
        }
