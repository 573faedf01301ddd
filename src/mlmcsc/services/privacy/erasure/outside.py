"""What an erasure reaches outside the database, put in its hands by `bootstrap`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from mlmcsc.adapters.ledger import ErasureLedger
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.privacy.erasure import LabelChoice


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
    ) -> Mapping[str, Any]:
        """What was done, as numbers and names of archives."""
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
