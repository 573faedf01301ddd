"""Files of deleted images: removed once the deletion is committed."""

from __future__ import annotations

from pathlib import Path

from mlmcsc.adapters.leftover_files import remove_copy, remove_thumbnails
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor
from mlmcsc.services.retention.places import FilePlaces
from mlmcsc.store.queries.retention import files
from mlmcsc.store.uow import Store


def remove_noted(db: Store, actor: Actor, places: FilePlaces) -> int:
    """Remove what was noted, also by an earlier run that did not come to it; says how many.

    A content that was stored again meanwhile keeps its files.
    """
    with db.read() as view:
        waiting = files.noted(view)
    removed = 0
    for key, left in waiting.items():
        with db.write(actor) as tx:
            contents, copies = files.still_used(tx, left)
            gone = [one for one in left if one.content_hash not in contents]
            n_files = sum(_remove(one, copies, places) for one in gone)
            files.forget(tx, key)
            told = {"removed_files": n_files, "note": key}
            tx.record(AuditEvent(Operation.DELETE, "images", None, told, n_rows=0))
        removed += n_files
    return removed


def _remove(one: files.Leftover, copies: set[str], places: FilePlaces) -> int:
    thumbnails = remove_thumbnails(places.thumbnails, one.content_hash, one.image_id)
    return thumbnails + _remove_copy(one, copies, places)


def _remove_copy(one: files.Leftover, used: set[str], places: FilePlaces) -> bool:
    if one.copy is None or one.copy in used or places.managed is None:
        return False
    return remove_copy(Path(one.copy), places.managed)
