"""Damaged shared files of a place, written anew from what the database still has."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from mlmcsc.adapters.backup_files import Coder, write_stored
from mlmcsc.adapters.backup_store.store import BackupStore
from mlmcsc.domain.backups.stored import StoredFile
from mlmcsc.errors import IntegrityError, StoreError
from mlmcsc.services.backups.gathering import Roots, Source, gather
from mlmcsc.store.uow import Store


def repair(
    db: Store, store: BackupStore, roots: Roots, damaged: Iterable[StoredFile]
) -> dict[str, bool]:
    """Write anew what can be; whether it is whole again, by key.

    A file becomes what its sets have signed, to the byte, or is left as it is. An encrypted one
    cannot: it has a random key of its own. Where its content is at hand it is removed, so that the
    next backup does not build upon it.
    """
    sources: dict[str, Source] = {}
    for each in gather(db, roots, with_images=True).sources.values():
        sources.setdefault(each.sha256, each)
    done: dict[str, bool] = {}
    with tempfile.TemporaryDirectory(prefix="mlmcsc-repair-") as folder:
        for file in damaged:
            source = sources.get(file.sha256)
            done[file.key] = source is not None and _anew(
                db, store, file, source.path, Path(folder, "anew")
            )
    return done


def _anew(db: Store, store: BackupStore, file: StoredFile, source: Path, target: Path) -> bool:
    crypto = db.vault.crypto
    coder = Coder(crypto, compress=file.coding.startswith("zstd"), master=None)
    try:
        written = write_stored(source, target, name=file.name, key=file.key, set_id="", coder=coder)
    except (IntegrityError, StoreError):
        return False  # the database's own file is gone or damaged too
    if file.key_id is not None:
        store.remove([file.key])
        return False
    if written.stored_sha256 != file.stored_sha256:  # packed by another release of Zstandard
        return False
    store.put_file(file.key, target)
    return True
