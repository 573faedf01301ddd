"""The sets that lie in a place, as their manifests tell."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from typing import Final

from mlmcsc.adapters.backup_store.store import BackupStore
from mlmcsc.domain.backups import manifest as manifests
from mlmcsc.domain.backups import proof as proofs
from mlmcsc.domain.backups.manifest import Manifest, read_manifest
from mlmcsc.domain.backups.names import RESERVED, checked_name
from mlmcsc.domain.backups.proof import Proof, read_proof
from mlmcsc.domain.backups.registered import SignedSet
from mlmcsc.domain.backups.reports import State
from mlmcsc.domain.backups.stored import StoredFile
from mlmcsc.domain.sealing import Cryptography
from mlmcsc.errors import IntegrityError, UnknownRecordError, ValidationError
from mlmcsc.services.backups.index import read_index
from mlmcsc.store.key_settings import setting
from mlmcsc.store.queries.backups import sizes_of
from mlmcsc.store.uow import Store

OBJECTS: Final = "objects/"


@dataclass(frozen=True, slots=True)
class Identity:
    """By what a database recognises its own backups."""

    database_id: str
    public_key: bytes
    crypto: Cryptography


@dataclass(frozen=True, slots=True)
class FoundSet:
    """A set as its manifest tells.

    Attributes:
        name: Its first segment in the place.
        state: Whether it can be trusted.
        problem: Why not.
        manifest: What it promises; None where that cannot be read.
        sha256: SHA-256 (hex) of the manifest file; None likewise.
    """

    name: str
    state: State
    problem: str | None
    manifest: Manifest | None
    sha256: str | None


def identity(db: Store) -> Identity:
    """This database's."""
    with db.read() as view:
        public_key = view.vault.public_key(view)
        return Identity(str(setting(view, "database_id")), public_key, view.vault.crypto)


def every_set(store: BackupStore, own: Identity) -> list[FoundSet]:
    """All sets of a place, oldest first; those that cannot be read come first."""
    found = [each for name in store.names() if (each := _found(store, name, own))]
    return sorted(found, key=lambda s: (s.manifest.taken_at if s.manifest else "", s.name))


def one_set(store: BackupStore, name: str, own: Identity) -> FoundSet:
    """The set of this name.

    Raises:
        ValidationError: That is no name.
        UnknownRecordError: There is none; the message lists what there is.
    """
    found = _found(store, checked_name(name), own)
    if found is None:
        known = [each.name for each in every_set(store, own)]
        there = f"There are: {', '.join(reversed(known[-20:]))}." if known else "There are none."
        raise UnknownRecordError(f"There is no backup {name!r} in {store.place}. {there}")
    return found


def _found(store: BackupStore, name: str, own: Identity) -> FoundSet | None:
    try:
        if checked_name(name) in RESERVED:
            return None
        raw = store.get(f"{name}/{manifests.FILE}", manifests.LARGEST)
    except (ValidationError, UnknownRecordError):
        return None  # without a manifest it is no backup
    except IntegrityError as error:
        return FoundSet(name, "damaged", str(error), None, None)
    return _judged(name, raw, own)


def _judged(name: str, raw: bytes, own: Identity) -> FoundSet:
    sha256 = hashlib.sha256(raw).hexdigest()
    try:
        manifest, public_key = read_manifest(raw, name, own.crypto.verify)
    except IntegrityError as error:
        return FoundSet(name, "damaged", str(error), None, sha256)
    if manifest.database_id != own.database_id:
        problem = f"It is a backup of the database {manifest.database_id}."
        return FoundSet(name, "another database's", problem, manifest, sha256)
    if public_key != own.public_key:
        problem = (
            "It calls itself a backup of this database, but is not signed with its audit key: do "
            "not trust it."
        )
        return FoundSet(name, "unsigned", problem, manifest, sha256)
    return FoundSet(name, "ok", None, manifest, sha256)


def files_of(store: BackupStore, found: FoundSet, crypto: Cryptography) -> list[StoredFile]:
    """What a set's signed list says of its files, by ascending name.

    Raises:
        IntegrityError: The list is missing, or is not the one that was signed.
    """
    if found.manifest is None:
        raise IntegrityError(found.problem or f"The backup {found.name} is damaged.")
    return read_index(store, found.manifest, crypto)


def proof_of(store: BackupStore, found: FoundSet, own: Identity) -> Proof | None:
    """What the newest drill of a set says, signed by this database; None where nothing does.

    A proof of another manifest, or one that was changed, proves nothing.
    """
    if found.state != "ok" or found.manifest is None:
        return None
    try:
        raw = store.get(f"{found.name}/{proofs.FILE}", proofs.LARGEST)
        proof = read_proof(raw, found.name, own.public_key, own.crypto.verify)
    except (UnknownRecordError, IntegrityError):
        return None
    is_of_it = (proof.set_id, proof.manifest_sha256) == (found.manifest.set_id, found.sha256)
    return proof if is_of_it else None


def signed_sets(store: BackupStore, own: Identity, name: str | None = None) -> list[SignedSet]:
    """The sets of a place that this database signed, oldest first, for its register.

    Args:
        store: The place.
        own: The database.
        name: Only the set of this name.
    """
    if name is None:
        every = every_set(store, own)
    else:
        every = [found] if (found := _found(store, name, own)) else []
    return [
        SignedSet(
            name=found.name,
            manifest=found.manifest,
            sha256=found.sha256,
            proof=proof_of(store, found, own),
            version_sizes=partial(_version_sizes, store, found, own),
        )
        for found in every
        if found.state == "ok" and found.manifest is not None and found.sha256 is not None
    ]


def _version_sizes(store: BackupStore, found: FoundSet, own: Identity) -> dict[str, int]:
    return sizes_of(files_of(store, found, own.crypto))
