"""What drills need of the other services; bootstrap hands it in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mlmcsc.adapters.backup_store.store import BackupStore
from mlmcsc.domain.backups.drills import ScratchReport
from mlmcsc.domain.backups.reports import BackupEntry, BackupReport, PruneReport
from mlmcsc.domain.progress import Progress


@dataclass(frozen=True, slots=True)
class Found:
    """A backup, and where it was found."""

    place: str
    entry: BackupEntry


class Find(Protocol):
    """Looks for backups in a place."""

    def __call__(self, place: str | None) -> list[Found]:
        """Every one, also other databases' and damaged ones; None: the places of the settings."""
        ...


class RestoreToScratch(Protocol):
    """Restores a set into a folder of its own, checks it there, and touches nothing else."""

    def __call__(self, found: Found, folder: Path, progress: Progress) -> ScratchReport:
        """Seconds by step and what was checked; a scratch database on a server is gone after it.

        Raises:
            MlmcscError: The set cannot be restored; the message says why.
        """
        ...


class Create(Protocol):
    """Makes a scheduled backup, as the settings `backup.*` say."""

    def __call__(self, progress: Progress) -> BackupReport:
        """The backup; it is whole."""
        ...


class Hold(Protocol):
    """Holds a place alone among those who add to it or remove from it."""

    def __call__(self, store: BackupStore, purpose: str) -> AbstractContextManager[object]:
        """For the block; it waits for whoever has it.

        Raises:
            ConflictError: Somebody else holds it, for longer than anybody waits.
        """
        ...


@dataclass(frozen=True, slots=True)
class Doors:
    """Of the other services."""

    find: Find
    restore: RestoreToScratch
    create: Create
    prune: Callable[[str], PruneReport]
    hold: Hold


@dataclass(frozen=True, slots=True)
class Schedule:
    """The settings `backup.enabled`, `schedule` and `drill`."""

    enabled: bool
    when: str
    drill: bool
