"""The list of a set's files: one `StoredFile` a line, by ascending name.

It is packed like the others and never encrypted, so that the bytes of a set can be checked without
any key; its `key_id` names the master key that the other files need. It holds hashes, sizes and the
database's own names of files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import orjson

from mlmcsc.adapters.backup_files import Coder, ending, read_stored, write_stored
from mlmcsc.adapters.backup_store.store import BackupStore
from mlmcsc.domain.backups.manifest import FILES, Manifest
from mlmcsc.domain.backups.stored import StoredFile, listed
from mlmcsc.domain.sealing import Cryptography, MasterKey
from mlmcsc.errors import IntegrityError, MissingKeyError, MlmcscError

LARGEST: Final = 4 << 30
"""Bytes that a list may have: that of ten million files."""


def write_index(
    files: Sequence[StoredFile], scratch: Path, name: str, set_id: str, coder: Coder
) -> tuple[Path, StoredFile]:
    """Write the list of the set `name`; where it lies, and how the manifest names it.

    Raises:
        StoreError: It cannot be written.
    """
    plain, target = scratch / FILES, scratch / "index"
    ordered = sorted(files, key=lambda file: file.name)
    plain.write_bytes(b"".join(orjson.dumps(file) + b"\n" for file in ordered))
    open_to_all = replace(coder, master=None)
    key = f"{name}/{FILES}{ending(open_to_all.coding)}"
    file = write_stored(plain, target, name=FILES, key=key, set_id=set_id, coder=open_to_all)
    return target, replace(file, key_id=coder.key_id)


def read_index(store: BackupStore, manifest: Manifest, crypto: Cryptography) -> list[StoredFile]:
    """What the signed list says of a set's files.

    Raises:
        IntegrityError: It is missing, or is not the one that was signed.
    """
    index = manifest.index
    try:
        if index.n_bytes > LARGEST:
            raise IntegrityError(f"its list of files has {index.n_bytes:,} bytes")
        pieces = read_stored(store.read(index.key), index, manifest.set_id, _no_key, crypto)
        return list(listed(pieces))
    except (ValueError, TypeError, MlmcscError) as error:
        raise IntegrityError(
            f"The backup {manifest.name} is damaged: its list of files cannot be read ({error}). "
            "Nothing was changed; use another backup (`mlmcsc backup list`), and look at the disk "
            "with `mlmcsc backup scrub`."
        ) from error


def _no_key(key_id: str) -> MasterKey:
    raise MissingKeyError(f"{FILES} is never encrypted, and says that it is, under {key_id}.")
