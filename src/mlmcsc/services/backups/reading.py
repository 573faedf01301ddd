"""Reading stored files back, many at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from mlmcsc.adapters.backup_store.store import BackupStore, Told
from mlmcsc.domain.backups.reports import Fault
from mlmcsc.domain.backups.stored import StoredFile
from mlmcsc.errors import IntegrityError, StoreError, UnknownRecordError

THREADS: Final = 4
"""Hashing leaves the interpreter to the others; a bucket answers several at once."""
REMOTE_THREADS: Final = 16
"""Most of the time a bucket is waited for."""


def threads(store: BackupStore) -> int:
    """How many files at a time are good for this place."""
    return REMOTE_THREADS if "://" in store.place else THREADS


def staged_key(file: StoredFile, name: str, staged: str) -> str:
    """Where a file of the set `name` lies before the set has its name."""
    own = f"{name}/"
    return f"{staged}/{file.key.removeprefix(own)}" if file.key.startswith(own) else file.key


def read_back(
    store: BackupStore, files: Iterable[StoredFile], told: Told
) -> Iterator[tuple[StoredFile, str | None]]:
    """Each file with what is wrong with its stored bytes, None where nothing is."""
    # Large ones first, so that none is left to the end.
    ordered = sorted(files, key=lambda file: file.stored_bytes, reverse=True)
    with ThreadPoolExecutor(threads(store)) as pool:
        yield from zip(
            ordered, pool.map(lambda file: problem_of(store, file, told), ordered), strict=True
        )


def problem_of(store: BackupStore, file: StoredFile, told: Told) -> str | None:
    """What is wrong with a file's stored bytes."""
    digest, size = hashlib.sha256(usedforsecurity=False), 0
    try:
        for piece in store.read(file.key):
            digest.update(piece)
            size += len(piece)
            if size > file.stored_bytes:
                break
            told(len(piece))
    except UnknownRecordError:
        return "is missing"
    except (StoreError, IntegrityError) as error:
        return f"cannot be read: {error}"
    if size != file.stored_bytes:
        return f"has {'more' if size > file.stored_bytes else 'fewer'} bytes than were written"
    if digest.hexdigest() != file.stored_sha256:
        return "was changed: its SHA-256 is another"
    return None


def faults_of(store: BackupStore, files: Iterable[StoredFile], told: Told) -> list[Fault]:
    """What is wrong with any of them, by key."""
    found = [Fault(file.key, wrong) for file, wrong in read_back(store, files, told) if wrong]
    return sorted(found, key=lambda fault: fault.name)


def at_staged(file: StoredFile, name: str, staged: str) -> StoredFile:
    """The file as it lies before the set has its name."""
    return replace(file, key=staged_key(file, name, staged))
