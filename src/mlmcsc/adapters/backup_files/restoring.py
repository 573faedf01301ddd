"""A file of a backup put back where it belongs, whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from mlmcsc.adapters.backup_files.reading import OpenKey, read_stored
from mlmcsc.adapters.backup_files.writing import DRAFT
from mlmcsc.adapters.backup_store.copying import write_all
from mlmcsc.adapters.backup_store.disk import disk_errors
from mlmcsc.adapters.backup_store.store import BackupStore, Told
from mlmcsc.adapters.managed_files import sync_folder
from mlmcsc.domain.backups.stored import StoredFile
from mlmcsc.domain.sealing import Cryptography
from mlmcsc.errors import StoreError


def restore_file(
    store: BackupStore,
    file: StoredFile,
    set_id: str,
    target: Path,
    *,
    open_key: OpenKey,
    crypto: Cryptography,
    root: Path | None = None,
    told: Told = lambda _: None,
) -> None:
    """Read a file of a backup, check it, and put it in place; what was there is replaced.

    Args:
        store: The place.
        file: What the set says of it.
        set_id: Of the set.
        target: Where it belongs; folders below `root` are made.
        open_key: Gives a master key by its id.
        crypto: For decryption.
        root: Folder that it must not leave, not even by a link; None: the target's own.
        told: Told of the original's bytes as they are written.

    Raises:
        IntegrityError: The file is damaged; nothing was put in place.
        StoreError: It cannot be read or written, or a link leads elsewhere.
        UnknownRecordError: It is not in the place.
        MissingKeyError: The master key is not here.
    """
    inside = target.parent if root is None else root
    with disk_errors(target, f"restoring {file.name}"):
        _refuse_outside(target, inside)
        _make_folders(target.parent, inside)
        draft = target.with_name(f"{DRAFT}{secrets.token_hex(8)}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(draft, flags, 0o600)
        try:
            try:
                for piece in read_stored(store.read(file.key), file, set_id, open_key, crypto):
                    write_all(descriptor, piece)
                    told(len(piece))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            draft.replace(target)
            sync_folder(target.parent)
        finally:
            draft.unlink(missing_ok=True)


def _refuse_outside(target: Path, root: Path) -> None:
    if ".." in target.parts or not target.is_relative_to(root) or target == root:
        raise StoreError(
            f"{str(target)!a} does not lie in {root}: nothing was restored there. The list of "
            "files is not one of ours; use another backup."
        )
    path = root
    for segment in target.relative_to(root).parts:
        path /= segment
        if path.is_symlink():
            raise StoreError(
                f"{path} is a link, which a restore never follows or replaces: it may lead "
                "elsewhere. Remove it, and restore again."
            )


def _make_folders(folder: Path, root: Path) -> None:
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    missing = []
    while folder != root and not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
        sync_folder(each.parent)
