"""Archives whose youngest row is beyond its period: the entry goes, then the folder."""

from __future__ import annotations

from mlmcsc.adapters.archives import ArchiveFolder
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor
from mlmcsc.store.queries.archives import register
from mlmcsc.store.uow import Store

ARCHIVED = frozenset({"archived_labels", "archived_predictions", "archived_metrics"})
"""The data types that are archives."""


def is_waiting(db: Store) -> bool:
    """Whether folders are noted that an interrupted run did not come to remove."""
    with db.read() as view:
        return bool(register.unfinished(view))


def remove_folders(db: Store, actor: Actor, folder: ArchiveFolder) -> None:
    """Remove the folders that hold no archive any more; call under the folder's lock."""
    if not is_waiting(db):
        return
    with db.write(actor) as tx:
        kept = {archive.path for archive in register.every(tx) if archive.restored_at is None}
        gone = [path for path in register.unfinished(tx) if path not in kept]
        for path in gone:
            folder.remove(path)
        register.set_unfinished(tx, [])
        told = {"removed_folders": gone}
        tx.record(AuditEvent(Operation.DELETE, "archives", None, told, n_rows=0))
