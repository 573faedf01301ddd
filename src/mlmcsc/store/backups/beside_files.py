"""The place of a database that is an SQLite file: what is there, and what comes there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mlmcsc.domain.backups.manifest import Manifest
from mlmcsc.domain.backups.stored import TableDigest
from mlmcsc.errors import IntegrityError
from mlmcsc.store.backups.beside import BesideFile
from mlmcsc.store.backups.digests import Digests, digests_of
from mlmcsc.store.backups.swapping import LiveFile
from mlmcsc.store.dialects.filesystem import refuse_network_path

FILE = "database/mlmcsc.db"


@dataclass(frozen=True, slots=True)
class FileGround:
    """Where a database file is to be; see `services.restores.ports.Ground`."""

    live: LiveFile
    beside: BesideFile

    @classmethod
    def at(cls, path: Path, set_id: str, wait_seconds: float) -> FileGround:
        """The place of a file, behind a symbolic link, so that the link stays.

        Raises:
            ConflictError: Something else is there, or others hold it.
            StoreError: It is on a network file system.
        """
        target = path.resolve()
        refuse_network_path(target)
        return cls(LiveFile(target, wait_seconds), BesideFile(target, set_id))

    @property
    def shown(self) -> str:
        """The file."""
        return str(self.live.path)

    @property
    def state(self) -> str:
        """What is there."""
        return self.live.state

    @property
    def url(self) -> str:
        """Of the database beside."""
        return self.beside.url

    @property
    def staging(self) -> Path:
        """On the same disk, so that a rename is all it takes."""
        return Path(f"{self.beside.path}.files")

    def instance(self) -> str | None:
        """None: a file is known by its path, which stays."""
        return None

    @contextmanager
    def alone(self) -> Iterator[tuple[str, ...]]:
        """See `BesideFile.alone`."""
        with self.beside.alone() as tidied:
            self.staging.mkdir(mode=0o700)
            yield tidied

    def refuse_without_room(self, n_bytes: int) -> None:
        """See `BesideFile.refuse_without_room`; what is damaged is copied too."""
        is_copied = self.state not in {"missing", "sound"}
        there = self.live.path.stat().st_size if is_copied else 0
        self.beside.refuse_without_room(n_bytes + there)

    def probe(self) -> None:
        """Hold it once, and let go."""
        self.live.watch()
        self.live.hold()
        self.live.let_go()

    def watch(self) -> None:
        """See `LiveFile.watch`."""
        self.live.watch()

    def copy_aside(self, now: datetime) -> str:
        """See `LiveFile.copy_aside`."""
        return str(self.live.copy_aside(now))

    def load(self) -> None:
        """The file itself takes its place beside."""
        self.beside.take(self.staging / FILE)

    def compare(self, manifest: Manifest) -> list[str]:
        """Every table's digest against what was signed."""
        return differences(digests_of(self.beside.path), manifest)

    def finish(self) -> None:
        """See `BesideFile.finish`."""
        self.beside.finish()

    def hold(self) -> bool:
        """See `LiveFile.hold`."""
        return self.live.hold()

    def replace(self) -> str | None:
        """See `LiveFile.replace`; the safety backup has all of the old one."""
        self.live.replace(self.beside.path)
        return None

    def drop_old(self) -> list[str]:
        """Nothing: what was copied aside is the operator's to delete."""
        return []

    def let_go(self) -> None:
        """See `LiveFile.let_go`."""
        self.live.let_go()

    def close(self) -> None:
        """As `let_go`."""
        self.live.let_go()


def differences(found: Digests, manifest: Manifest) -> list[str]:
    """A line for each table that is not what was signed.

    Raises:
        IntegrityError: The manifest names no table.
    """
    if not manifest.tables:
        raise IntegrityError(f"The backup {manifest.name} says of no table what it holds.")
    every = sorted({*found, *manifest.tables})
    return [
        f"table {name}: {_rows(found.get(name))} and not {_rows(manifest.tables.get(name))}"
        for name in every
        if found.get(name) != manifest.tables.get(name)
    ]


def _rows(digest: TableDigest | None) -> str:
    return "missing" if digest is None else f"{digest.rows:,} rows {digest.sha256[:12]}"
