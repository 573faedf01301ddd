"""Writing a base backup into a place: encrypted, listed, signed."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson

from mlmcsc.adapters.backup_files import Coder, ending, write_stored
from mlmcsc.adapters.backup_store.store import BackupStore
from mlmcsc.adapters.ledger import ErasureLedger
from mlmcsc.adapters.point_in_time.base import FILES as SERVER_FILES
from mlmcsc.adapters.point_in_time.base import log_needed
from mlmcsc.domain.backups.manifest import FILE, FILES, LedgerPosition, Manifest
from mlmcsc.domain.backups.point_in_time import Base
from mlmcsc.domain.backups.stored import StoredFile
from mlmcsc.services.point_in_time.sets import HERE, LOG, index_bytes
from mlmcsc.store.backups.point_in_time import Server
from mlmcsc.store.key_settings import setting
from mlmcsc.store.queries.erasure import ledgered
from mlmcsc.store.schema import revision
from mlmcsc.store.uow import Store


@dataclass(frozen=True, slots=True)
class Made:
    """A base backup that was made.

    Attributes:
        base: What it is.
        sha256: SHA-256 (hex) of its manifest file.
    """

    base: Base
    sha256: str


@dataclass(frozen=True, slots=True)
class Making:
    """What writing one needs.

    Attributes:
        db: The database.
        store: The place.
        coder: How files are written.
        ledger: The erasure ledger.
        release: The mlmcsc that is running.
    """

    db: Store
    store: BackupStore
    coder: Coder
    ledger: ErasureLedger
    release: str

    def write(self, name: str, folder: Path, server: Server, *, started_at: datetime) -> Made:
        """Put a base backup's files into the place; the manifest last."""
        set_id = uuid.uuid4().hex
        finished_at = self.db.clock()
        first_log = self._first_log(folder, server.segment_bytes)
        log = folder / "log.json"
        log.write_bytes(orjson.dumps({"first_log": first_log}))
        plain = Coder(self.coder.crypto, compress=False, master=None)
        files = [
            self._stored(f"database/{each}", folder / each, name, set_id, self.coder)
            for each in SERVER_FILES
        ]
        files.append(self._stored(LOG, log, name, set_id, plain))
        raw = index_bytes(files)
        self.store.put_bytes(f"{HERE}/{name}/{FILES}", raw)
        manifest = self._manifest(name, set_id, files, raw, (started_at, finished_at))
        with self.db.read() as view:
            signed = manifest.signed(lambda message: view.vault.sign(view, message))
        self.store.put_bytes(f"{HERE}/{name}/{FILE}", signed, new=True)
        base = Base(
            name=name,
            place=self.store.place,
            set_id=set_id,
            from_=finished_at,
            encrypted=self.coder.master is not None,
            stored_bytes=manifest.stored_bytes,
            first_log=first_log,
        )
        return Made(base, hashlib.sha256(signed).hexdigest())

    def _stored(self, name: str, source: Path, of: str, set_id: str, coder: Coder) -> StoredFile:
        key = f"{HERE}/{of}/{name}{ending(coder.coding)}"
        target = source.with_name(f"{source.name}.stored")
        file = write_stored(source, target, name=name, key=key, set_id=set_id, coder=coder)
        source.unlink()  # the next one needs the room
        self.store.put_file(key, target, move=True)
        return file

    def _first_log(self, folder: Path, segment_bytes: int) -> str:
        """Name of the file of the log with a position (PostgreSQL's `pg_walfile_name`)."""
        timeline, start, _ = log_needed(folder)
        high, _, low = start.partition("/")
        return f"{timeline:08X}{int(high, 16):08X}{int(low, 16) // segment_bytes:08X}"

    def _manifest(
        self,
        name: str,
        set_id: str,
        files: list[StoredFile],
        raw: bytes,
        times: tuple[datetime, datetime],
    ) -> Manifest:
        sha256 = hashlib.sha256(raw).hexdigest()
        index = StoredFile(
            FILES, f"{HERE}/{name}/{FILES}", len(raw), sha256, len(raw), sha256, "plain",
            self.coder.key_id,
        )  # fmt: skip
        with self.db.read() as view:
            vault = view.vault
            key = vault.public_key(view)
            lines = ledgered.lines(view)
            facts = str(setting(view, "database_id")), revision(view.conn)
            version = view.dialect.server_version(view.conn)
        lines_, head = self.ledger.position(lambda m, s: vault.crypto.verify(key, s, m), lines)
        stored = sum(file.stored_bytes for file in files)
        started_at, finished_at = times
        return Manifest(
            set_id=set_id,
            name=name,
            kind="physical",
            database_id=facts[0],
            engine="postgresql",
            server_version=version,
            schema_revision=str(facts[1]),
            release=self.release,
            taken_at=started_at.isoformat(),
            finished_at=finished_at.isoformat(),
            with_images=False,
            ledger=LedgerPosition(lines_, head),
            tables={},
            index=index,
            n_files=len(files),
            n_bytes=sum(file.n_bytes for file in files),
            stored_bytes=stored,
            new_bytes=stored,
        )
