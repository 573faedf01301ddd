"""What every use case of archives needs: the database, the folder, and what was left half done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlmcsc.adapters.archives import ArchiveFolder, read_rows
from mlmcsc.domain.archives import ArchiveFile, ArchiveRecord, Manifest
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.progress import Progress
from mlmcsc.errors import ConflictError, UnknownRecordError
from mlmcsc.store.queries import archives as queries
from mlmcsc.store.queries.batches import id_span
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store

Chunks = Iterator[list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Shelf:
    """A database and its archives, for one actor."""

    db: Store
    actor: Actor
    folder: ArchiveFolder

    def sign(self, message: bytes) -> tuple[str, bytes, bytes]:
        """Key id, public key and signature by this database's key."""
        with self.db.read() as view:
            return view.vault.sign(view, message)

    def check(self, view: View, archive: ArchiveRecord, *, rows: bool = False) -> Manifest:
        """Verify an archive; see `ArchiveFolder.check`."""
        database_id, _ = queries.identity(view)
        return self.folder.check(
            archive.path,
            archive.sha256,
            database_id,
            view.vault.public_key(view),
            view.vault.crypto.verify,
            rows=rows,
        )

    def rows_of(self, path: str, file: ArchiveFile) -> Chunks:
        """The rows of one of its files."""
        return read_rows(self.folder.place(path) / file.name, file.columns)

    def begin(self, path: str) -> None:
        """Before a folder is made, remember it: should we die, the next run removes it."""
        with self.db.write(self.actor) as tx:
            queries.set_unfinished(tx, [path])
            begun = {"begun": path}
            tx.record(AuditEvent(Operation.UPDATE, "archives", new_values=begun, n_rows=0))

    def tidy(self, *, after_death: bool = False) -> tuple[str, ...]:
        """Remove folders that runs have begun and that hold no archive; call under the lock.

        Args:
            after_death: Whether they were left by a run that died, for the event.
        """
        with self.db.read() as view:
            if not queries.unfinished(view):
                return ()
        with self.db.write(self.actor) as tx:
            left = queries.left_over(tx)
        gone = [path for path in left if self.folder.remove(path)]  # long work, and no writer waits
        with self.db.write(self.actor) as tx:
            queries.set_unfinished(tx, [])
            operation = Operation.REPAIR if after_death else Operation.DELETE
            told = {"removed_folders": gone}
            tx.record(AuditEvent(operation, "archives", None, told, n_rows=0))
        return tuple(gone)

    def unknown(self, view: View) -> tuple[str, ...]:
        """Folders that this database knows nothing of: of a copy of it, or of a later state."""
        known = {a.path for a in queries.every(view)} | set(queries.unfinished(view))
        return tuple(sorted((self.folder.present() | self.folder.drafts()) - known))


def require(archive: ArchiveRecord | None, name: str) -> ArchiveRecord:
    """The archive, which must be one whose rows are still out.

    Raises:
        UnknownRecordError: There is none of this name.
        ConflictError: It was restored.
    """
    if archive is None:
        raise UnknownRecordError(f"There is no archive {name!r}. See `archive list`.")
    if archive.restored_at is not None:
        raise ConflictError(
            f"{name} was restored at {archive.restored_at:%Y-%m-%d %H:%M} UTC: its rows are in the "
            f"table {archive.table_name}."
        )
    return archive


def noting_ids(chunks: Chunks, ids: list[int]) -> Chunks:
    """The chunks; the rows' ids, which come first, are added to `ids`."""
    for chunk in chunks:
        ids.extend(row[0] for row in chunk)
        yield chunk


def span_of(ids: Sequence[int]) -> dict[str, Any]:
    """Which rows, for an event."""
    return id_span(np.asarray(ids, dtype=np.int64)) if ids else {}


def counted(
    chunks: Iterable[list[tuple[Any, ...]]], doing: str, total: int, progress: Progress | None
) -> Chunks:
    """The chunks, telling how far they have come."""
    done = 0
    for chunk in chunks:
        yield chunk
        done += len(chunk)
        if progress is not None:
            progress(doing, done, total)
