"""Damaged shared files of a place, written anew from what the database still has."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from mlmcsc.adapters.backup_files import Coder, write_stored
from mlmcsc.adapters.backup_store.store import BackupStore
from mlmcsc.domain.backups.stored import StoredFile
from mlmcsc.errors import IntegrityError, StoreError
from mlmcsc.services.backups.gathering import Roots, Source, gather
from mlmcsc.store.uow import Store


@dataclass(slots=True)
class Repaired:
    """Keys of damaged files: written anew, or removed so that the next backup writes them."""

    anew: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)


def repair(db: Store, store: BackupStore, roots: Roots, damaged: Iterable[StoredFile]) -> Repaired:
    """Write anew what can be.

    A file becomes what its sets have signed, to the byte, or is left as it is. An encrypted one
    cannot: it has a random key of its own. Where its content is at hand it is removed, so that the
    next backup does not build upon it.
    """
    sources: dict[str, Source] = {}
    for each in gather(db, roots, with_images=True).sources.values():
        sources.setdefault(each.sha256, each)
    done = Repaired()
    with tempfile.TemporaryDirectory(prefix="mlmcsc-repair-") as folder:
        for file in damaged:
            source = sources.get(file.sha256)
            if source is not None:
                _anew(db, store, file, source.path, Path(folder, "anew"), done)
    return done


def _anew(
    db: Store, store: BackupStore, file: StoredFile, source: Path, target: Path, done: Repaired
) -> None:
    crypto = db.vault.crypto
    coder = Coder(crypto, compress=file.coding.startswith("zstd"), master=None)
    try:
        written = write_stored(source, target, name=file.name, key=file.key, set_id="", coder=coder)
    except (IntegrityError, StoreError):
        return  # the database's own file is gone or damaged too
    if file.key_id is not None:
        store.remove([file.key])
        done.removed.add(file.key)
    elif written.stored_sha256 == file.stored_sha256:  # else packed by another Zstandard
        store.put_file(file.key, target)
        done.anew.add(file.key)
