"""What a restore needs of the world, put in its hands by `bootstrap`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from mlmcsc.adapters.archives import ArchiveFolder
from mlmcsc.adapters.data_keys import DataKeyFile
from mlmcsc.adapters.ledger import ErasureLedger
from mlmcsc.adapters.versions import VersionFolder
from mlmcsc.domain.backups.manifest import Manifest
from mlmcsc.domain.backups.registered import SignedSet
from mlmcsc.domain.backups.restoring import Losses
from mlmcsc.domain.backups.stored import StoredFile
from mlmcsc.domain.progress import Progress
from mlmcsc.domain.sealing import Cryptography
from mlmcsc.store.uow import Store


class Source(Protocol):
    """A backup: a set in a place, or a plain file of before."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def place(self) -> str:
        """Where it lies."""
        ...

    @property
    def manifest(self) -> Manifest | None:
        """What it promises; None for a plain file, for which nothing signed vouches."""
        ...

    @property
    def public_key(self) -> bytes | None:
        """Whose signature it bears; None for a plain file."""
        ...

    @property
    def files(self) -> Sequence[StoredFile]:
        """What lies in it."""
        ...

    @property
    def n_bytes(self) -> int:
        """Bytes of the database as it is restored."""
        ...

    def verify(self, progress: Progress) -> None:
        """Read every stored byte.

        Raises:
            IntegrityError: One is not as it was signed.
        """
        ...

    def check_keys(self) -> None:
        """Refuse where the master key of an encrypted set is not here.

        Raises:
            MissingKeyError: It is not.
        """
        ...

    def unpack(self, folder: Path, progress: Progress) -> None:
        """Write the database's files to `folder/database`."""
        ...

    def fetch(self, file: StoredFile, target: Path, root: Path) -> None:
        """Write one file, checked and durable, below `root`."""
        ...


class Ground(Protocol):
    """Where the database is to be: a file, or a database of a server."""

    @property
    def shown(self) -> str:
        """For messages, without secrets."""
        ...

    @property
    def state(self) -> str:
        """What is there: `missing`, `sound`, `original`, `damaged`, `another program's`."""
        ...

    @property
    def url(self) -> str:
        """The database beside, for `open_database`."""
        ...

    @property
    def staging(self) -> Path:
        """A folder for the unpacked backup; goes with the restore."""
        ...

    def instance(self) -> str | None:
        """How the database names itself among copies after the swap, if the swap changes that."""
        ...

    def alone(self) -> AbstractContextManager[tuple[str, ...]]:
        """Keep other restores out; gives what dead ones had left, and removes what this leaves."""
        ...

    def refuse_without_room(self, n_bytes: int) -> None:
        """Refuse where the restored database would not fit."""
        ...

    def probe(self) -> None:
        """Refuse at once where others would be in the way of the swap at the end.

        Raises:
            ConflictError: They have the database open and do not close it.
        """
        ...

    def watch(self) -> None:
        """From now on, notice what others write; before the safety backup."""
        ...

    def copy_aside(self, now: datetime) -> str:
        """Keep what cannot be backed up, byte by byte; says where."""
        ...

    def load(self) -> None:
        """Make the database beside of what lies in `staging`."""
        ...

    def compare(self, manifest: Manifest) -> list[str]:
        """What differs from what was signed, a line each."""
        ...

    def finish(self) -> None:
        """The last checks of the closed database beside; then it is durable."""
        ...

    def hold(self) -> bool:
        """Lock everybody out of the live database; whether nobody wrote since `watch`."""
        ...

    def replace(self) -> str | None:
        """Put the new database in its place; says where the old one stays, if it does."""
        ...

    def drop_old(self) -> list[str]:
        """Drop what earlier restores kept on the server; names."""
        ...

    def let_go(self) -> None:
        """Unlock, and stop watching."""
        ...

    def close(self) -> None:
        """The restore is over, however it ended."""
        ...


@dataclass(frozen=True, slots=True)
class LiveFacts:
    """What the live database says of itself, read only.

    Attributes:
        database_id: What it calls itself.
        public_key: By which its signatures are checked.
        signing: The rows of `settings` with its signing key, for a file from before it had one.
        ledger_lines: SHA-256 (hex) of the lines that it wrote to its erasure ledger.
        losses: From the moment of a backup to what would be lost.
        ids: The last id that each table's sequence handed out.
    """

    database_id: str
    public_key: bytes
    signing: Mapping[str, Any]
    ledger_lines: frozenset[str]
    losses: Callable[[datetime], Losses]
    ids: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Replayed:
    """Erasures that were done again.

    Attributes:
        applied: Subject ids.
        refused: Subject id to the reason.
        untold: Subject id to the reason, for those of whom nobody can tell whether they are here.
    """

    applied: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    untold: Mapping[str, str] = field(default_factory=dict)


class Restored(Protocol):
    """The database beside, opened with the folders of the place that it is to take."""

    @property
    def db(self) -> Store:
        """Its store."""
        ...

    @property
    def upgraded_from(self) -> str | None:
        """The schema revision that was brought up to date."""
        ...

    @property
    def adopted(self) -> bool:
        """Whether it was a database of the original system."""
        ...

    @property
    def versions(self) -> VersionFolder:
        """Where its versions lie."""
        ...

    @property
    def version_place(self) -> tuple[Path | None, str | None]:
        """The folder of versions, and whose it was until now."""
        ...

    @property
    def archives(self) -> ArchiveFolder:
        """Where its archives lie."""
        ...

    @property
    def images(self) -> Path | None:
        """Where its managed images lie; None for a server whose settings name no folder."""
        ...

    def replay(self) -> Replayed:
        """Erase again whom the backup brought back."""
        ...

    def forget_caches(self) -> None:
        """Remove what was derived from the database that is replaced."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class House(Protocol):
    """What belongs to the database apart from itself."""

    @property
    def crypto(self) -> Cryptography:
        """Checks signatures."""
        ...

    @property
    def unread(self) -> str | None:
        """Why the live database could not be read."""
        ...

    def live(self) -> LiveFacts | None:
        """Of the live database; None where it cannot be read."""
        ...

    def ledger(self, database_id: str) -> ErasureLedger:
        """Its erasure ledger."""
        ...

    def data_keys(self, database_id: str) -> DataKeyFile:
        """Its file of people's data keys."""
        ...

    def safety_backup(self, watch: Callable[[], None]) -> str | None:
        """Back the live database up, watched from then on; says where.

        None: it is too damaged for that.
        """
        ...

    def open(self, live: LiveFacts | None) -> Restored:
        """Open the database beside, which brings its schema up to date."""
        ...

    def signed_sets(
        self, restored: Restored, place: str
    ) -> tuple[Mapping[str, tuple[SignedSet, ...]], tuple[str, ...]]:
        """Its backups in `place` and where its backups go; warnings of what cannot be read."""
        ...

    def settle(self, restored: Restored) -> None:
        """After the swap: what belonged to the replaced database belongs to this one."""
        ...
