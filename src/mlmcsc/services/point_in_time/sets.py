"""Base backups as they lie in a place: `wal/NAME/`, apart from the sets that any server can read.

`manifest.json` is a backup's manifest of the kind `physical`, signed likewise, and written last;
`files.jsonl` names `database/base.tar`, `database/pg_wal.tar`, `database/backup_manifest` and
`configuration/log.json`, which tells, unencrypted, which archived log is needed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

import orjson

from mlmcsc.adapters.backup_files import check_stored
from mlmcsc.adapters.backup_store.store import BackupStore, Told
from mlmcsc.domain.backups.manifest import FILE, FILES, LARGEST, Manifest, read_manifest
from mlmcsc.domain.backups.names import checked_name
from mlmcsc.domain.backups.point_in_time import Base
from mlmcsc.domain.backups.signing import Verify
from mlmcsc.domain.backups.stored import StoredFile, listed
from mlmcsc.errors import IntegrityError, MlmcscError, UnknownRecordError

HERE: Final = "wal"
LOG: Final = "configuration/log.json"
_LARGEST_LOG: Final = 10_000


@dataclass(frozen=True, slots=True)
class BaseSet:
    """A base backup whose manifest and list of files were read.

    Attributes:
        manifest: What it promises.
        public_key: Whose signature it bears.
        files: What lies there.
        base: The same for people.
    """

    manifest: Manifest
    public_key: bytes
    files: tuple[StoredFile, ...]
    base: Base


def base_sets(store: BackupStore, verify: Verify, database_id: str) -> list[BaseSet]:
    """Those of one database, oldest first; those that are damaged are left out."""
    names = {entry.key.split("/")[1] for entry in store.entries(f"{HERE}/") if entry.key.count("/")}
    found = []
    for name in sorted(names):
        try:
            read = base_set(store, name, verify)
        except MlmcscError:  # told by whoever asks for this one
            continue
        if read.manifest.database_id == database_id:
            found.append(read)
    return sorted(found, key=lambda each: each.base.from_)


def base_set(store: BackupStore, name: str, verify: Verify) -> BaseSet:
    """The base backup of this name.

    Raises:
        ValidationError: That is no name.
        UnknownRecordError: There is none.
        IntegrityError: It is damaged, or no base backup.
    """
    here = f"{HERE}/{checked_name(name)}"
    try:
        raw = store.get(f"{here}/{FILE}", LARGEST)
    except UnknownRecordError:
        raise UnknownRecordError(
            f"There is no base backup {name!r} in {store.place}. `mlmcsc backup archiving` lists "
            "them; going back to a moment needs one, other backups hold no server's files."
        ) from None
    manifest, public_key = read_manifest(raw, name, verify)
    files = _files(store, here, manifest)
    try:
        if manifest.kind != "physical":
            raise ValueError(manifest.kind)  # noqa: TRY301  # told below with the others
        log = _log(store, here, files)
        base = Base(
            name=name,
            place=store.place,
            set_id=manifest.set_id,
            from_=datetime.fromisoformat(manifest.finished_at),
            encrypted=any(file.key_id for file in files),
            stored_bytes=manifest.stored_bytes,
            first_log=str(log["first_log"]),
        )
    except (ValueError, KeyError, TypeError, StopIteration) as error:
        raise _damaged(name, "it is none, or tells nothing of its log") from error
    return BaseSet(manifest, public_key, files, base)


def _files(store: BackupStore, here: str, manifest: Manifest) -> tuple[StoredFile, ...]:
    try:
        raw = store.get(f"{here}/{FILES}", LARGEST)
    except UnknownRecordError as error:
        raise _damaged(manifest.name, "its list of files is missing") from error
    if hashlib.sha256(raw).hexdigest() != manifest.index.stored_sha256:
        raise _damaged(manifest.name, "its list of files is not the one that was signed")
    try:
        files = tuple(listed([raw]))
        if not all(file.key.startswith(f"{here}/") for file in files):
            raise ValueError("leads elsewhere")  # noqa: TRY301  # told below with the others
    except (ValueError, TypeError, AttributeError) as error:
        raise _damaged(manifest.name, "its list of files cannot be read") from error
    return files


def _log(store: BackupStore, here: str, files: Sequence[StoredFile]) -> dict[str, object]:
    file = next(each for each in files if each.name == LOG)
    raw = store.get(f"{here}/{LOG}", _LARGEST_LOG)
    check_stored([raw], file)
    found: dict[str, object] = orjson.loads(raw)
    return found


def verify_base(store: BackupStore, found: BaseSet, told: Told) -> None:
    """Read every stored byte.

    Raises:
        IntegrityError: One is not as it was signed.
        UnknownRecordError: A file is missing.
    """
    for file in found.files:
        check_stored(store.read(file.key), file, told)


def index_bytes(files: Sequence[StoredFile]) -> bytes:
    """The list of files, as it is written."""
    ordered = sorted(files, key=lambda file: file.name)
    return b"".join(orjson.dumps(asdict(file)) + b"\n" for file in ordered)


def _damaged(name: str, what: str) -> IntegrityError:
    return IntegrityError(
        f"The base backup {name} is damaged: {what}. Nothing was changed; use another one "
        "(`mlmcsc backup archiving`)."
    )
