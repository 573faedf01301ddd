"""What of a place was read lately, and need not be read again by each backup."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from mlmcsc.adapters.backup_store.store import BackupStore
from mlmcsc.errors import IntegrityError
from mlmcsc.services.backups.listing import evidence, register
from mlmcsc.services.backups.sets import FoundSet, Identity, files_of, proof_of
from mlmcsc.store.uow import Store

READ_AGAIN: Final = timedelta(days=7)
"""Age from which a check of a shared file does not tell that it is right today."""


def read_lately(
    db: Store, store: BackupStore, sets: Sequence[FoundSet], own: Identity
) -> frozenset[str]:
    """Keys of the newest set that was found whole lately, those of newer damaged ones apart."""
    known, limit = register(db), db.clock() - READ_AGAIN
    doubtful: set[str] = set()
    for found in reversed(sets):
        told = evidence(found, known, proof_of(store, found, own))
        is_recent = told.proven is not None and told.proven > limit
        if not (told.damaged or is_recent):
            continue
        try:
            keys = {file.key for file in files_of(store, found, own.crypto)}
        except IntegrityError:
            continue  # nobody knows what it refers to: an older one tells what was read
        if is_recent:
            return frozenset(keys - doubtful)
        doubtful |= keys
    return frozenset()
