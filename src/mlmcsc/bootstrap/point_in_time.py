"""Going back to a moment: the parts of it, put together. The live server may be gone."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlmcsc.adapters.backup_files import restore_file
from mlmcsc.adapters.backup_store import open_store
from mlmcsc.adapters.crypto import PycaCryptography
from mlmcsc.adapters.data_keys import DataKeyFile
from mlmcsc.adapters.keystore import key_store
from mlmcsc.adapters.ledger import ErasureLedger
from mlmcsc.adapters.point_in_time import base as base_files
from mlmcsc.adapters.point_in_time.scratch import Recovered, recovered
from mlmcsc.adapters.point_in_time.tools import Tools, on_socket, server_user
from mlmcsc.bootstrap.opening import Database, default_actor, open_database
from mlmcsc.bootstrap.wiring import Services
from mlmcsc.config import Config, backup_folder, data_keys_file, key_file, ledger_file
from mlmcsc.domain.audit.findings import Verdict
from mlmcsc.domain.backups.point_in_time import PointReport
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import ALL_PERMISSIONS, Actor, Permission
from mlmcsc.domain.progress import Progress, quiet
from mlmcsc.errors import (
    ConflictError,
    IntegrityError,
    PermissionDeniedError,
    StoreError,
    UnsupportedError,
    ValidationError,
)
from mlmcsc.services.point_in_time import BaseSet, base_set
from mlmcsc.services.point_in_time.sets import verify_base
from mlmcsc.store.adoption.original import sqlite_file
from mlmcsc.store.backups.point_in_time import NO_POINT
from mlmcsc.store.queries.validation import structure
from mlmcsc.store.schema import read_setting
from mlmcsc.store.vault import key_id

if TYPE_CHECKING:
    from mlmcsc.adapters.backup_store.store import BackupStore

RECOVERY_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be restored, and how.

    Attributes:
        base: Name of the base backup.
        moment: What was committed until then is in it, what was committed later is not.
        folder: The server's new folder; it is made.
        place: Where the base backup lies; None: where the settings say.
        archive: Folder of the archived log; None: `backup.wal_archive`.
        as_user: Account under which the server runs, where we are root.
        trust: Fingerprint (16 hex digits) of the audit key that is to be believed.
    """

    base: str
    moment: datetime
    folder: Path
    place: str | Path | None = None
    archive: Path | None = None
    as_user: str | None = None
    trust: str | None = None


def restore_to_moment(
    wanted: Wanted,
    url: str,
    config: Config,
    *,
    actor: Actor | None = None,
    progress: Progress = quiet,
) -> PointReport:
    """Make a server's folder that stands at a moment; the live server is not touched.

    A server on a private socket replays the archived log up to the moment; then, before anybody
    else can connect, people who were erased since are erased again, the audit trail and the
    storage are checked, and it is stopped.

    Args:
        wanted: What is to be restored.
        url: Of the live database, which names user and database; the server may be gone.
        config: Settings.
        actor: In whose name; None: the local user's.
        progress: Told each step.

    Raises:
        UnknownRecordError: There is no such base backup, or the archived log ends before.
        ValidationError: The moment has no time zone, is in the future, or before the base backup.
        IntegrityError: It is damaged, or not to be trusted, or the erasure ledger is missing.
        MissingKeyError: The master key is not here.
        ConflictError: The folder exists.
        UnsupportedError: A program is missing, or we are root and nobody is named.
        StoreError: No room, or the server does not recover. Nothing of the folder stays.
    """
    began = time.monotonic()
    if sqlite_file(url) is not None:
        raise UnsupportedError(NO_POINT)
    actor = actor or default_actor()
    _refuse_unless_allowed(actor)
    tools = Tools(config.backup.postgresql_tools, server_user(wanted.as_user))
    archive = wanted.archive or config.backup.wal_archive
    if archive is None:
        raise UnsupportedError(
            "Nobody says where the archived log lies: set backup.wal_archive to its folder."
        )
    store = open_store(_place(wanted.place, config))
    crypto = PycaCryptography()
    progress("checking the base backup", 0, 5)
    found = base_set(store, wanted.base, crypto.verify)
    _check_moment(wanted.moment, found)
    _check_trust(found, config, crypto, wanted.trust)
    verify_base(store, found, lambda _: None)
    with _new_folder(wanted.folder) as folder:
        progress("laying out the server's files", 1, 5)
        _lay_out(store, found, folder, config, crypto)
        base_files.check(folder, Tools(config.backup.postgresql_tools))
        progress("replaying the log", 2, 5)
        with recovered(folder, archive, wanted.moment, tools, RECOVERY_SECONDS) as server:
            progress("erasing again, checking", 4, 5)
            report = _completed(wanted, server, found, url, config, actor)
    progress("erasing again, checking", 5, 5)
    return replace(report, seconds=time.monotonic() - began)


def _refuse_unless_allowed(actor: Actor) -> None:
    missing = sorted({Permission.BACKUP, Permission.ADMINISTER} - actor.permissions)
    if missing:
        raise PermissionDeniedError(
            f"{actor.subject} may not restore backups: that needs {' and '.join(missing)}."
        )


def _place(place: str | Path | None, config: Config) -> str | Path:
    chosen = place if place is not None else backup_folder(config, None)
    if chosen is None:
        raise UnsupportedError("Nobody says where backups lie: give the place, or --from PLACE.")
    return chosen


def _check_moment(moment: datetime, found: BaseSet) -> None:
    if moment.tzinfo is None:
        raise ValidationError(
            f"{moment.isoformat()} names no time zone: write 2026-11-23T14:00Z or …+01:00."
        )
    if moment < found.base.from_:
        raise ValidationError(
            f"{moment.isoformat()} is before the base backup {found.base.name} was whole "
            f"({found.base.from_.isoformat()}): a server goes forward only. Use an older one."
        )
    if moment > datetime.now(moment.tzinfo):
        raise ValidationError(f"{moment.isoformat()} is still to come: name a moment that was.")


def _check_trust(
    found: BaseSet, config: Config, crypto: PycaCryptography, trust: str | None
) -> None:
    """The signature is the database's, and its ledger is here: both before any server starts."""
    database_id, signer = found.manifest.database_id, key_id(found.public_key)
    kept = DataKeyFile(data_keys_file(config, database_id)).read()
    believed = trust.lower() if trust else kept and key_id(bytes.fromhex(kept.public_key))
    if believed != signer:
        whose = "nobody vouches for it" if believed is None else f"not with {believed}"
        raise IntegrityError(
            f"The base backup {found.base.name} is signed with the audit key {signer}, and "
            f"{whose}: it may be forged; nothing was changed. If you know that this is the "
            f"database's audit key, add --trust {signer}."
        )
    ledger = ErasureLedger(ledger_file(config, database_id))
    erased = found.manifest.ledger.lines > 0 or kept is None or bool(kept.forgotten)
    if erased and ledger.path is not None and not ledger.path.exists():
        raise IntegrityError(
            f"The erasure ledger {ledger.path} is missing: people who were erased would come back "
            "unnoticed. Nothing was changed. Put back a copy of the file."
        )
    key = found.public_key
    ledger.entries(lambda m, s: crypto.verify(key, s, m), {found.manifest.ledger.head})


@contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """A private folder that stays only if all went well."""
    if folder.exists() or folder.is_symlink():
        raise ConflictError(f"{folder} exists; a server's folder is laid out anew. Name another.")
    try:
        folder.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise StoreError(f"{folder} cannot be made: {error.strerror or error}.") from error
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _lay_out(
    store: BackupStore, found: BaseSet, folder: Path, config: Config, crypto: PycaCryptography
) -> None:
    database_id = found.manifest.database_id
    keys = key_store(config.security.key_file, os.environ, key_file(database_id))
    packed = folder.with_name(f"{folder.name}.unpacking-{found.manifest.set_id}")
    try:
        for file in found.files:
            part, _, name = file.name.partition("/")
            if part == "database" and name in base_files.FILES:
                restore_file(
                    store,
                    file,
                    found.manifest.set_id,
                    packed / name,
                    open_key=keys.get,
                    crypto=crypto,
                )
        base_files.lay_out(packed, folder)
    finally:
        shutil.rmtree(packed, ignore_errors=True)


def _completed(
    wanted: Wanted, server: Recovered, found: BaseSet, url: str, config: Config, actor: Actor
) -> PointReport:
    with tempfile.TemporaryDirectory(prefix="mlmcsc-") as caches:
        performance = config.performance.model_copy(update={"cache_directory": Path(caches)})
        apart = config.model_copy(update={"performance": performance})
        here = on_socket(url, server.socket, server.port)
        database = open_database(here, apart, create=False)
        try:
            return _erased_and_checked(database, wanted, server, found, actor)
        finally:
            database.store.close()


def _erased_and_checked(
    database: Database, wanted: Wanted, server: Recovered, found: BaseSet, actor: Actor
) -> PointReport:
    # Whoever may restore answers for erasures that were done before, with their own names.
    services = Services(database, replace(actor, permissions=ALL_PERMISSIONS))
    done = services.erasure.replay()
    applied = tuple(str(each.subject_id) for each in done.applied)
    refused = {**done.refused, **done.untold}
    with database.store.read() as view:
        database_id = str(read_setting(view.conn, "database_id"))
        problems = [each.message for each in structure.storage(view)]
        problems += [each.message for each in structure.drift(view)[0]]
    if database_id != found.manifest.database_id:
        raise IntegrityError(
            f"The server holds the database {database_id}, and the base backup is of "
            f"{found.manifest.database_id}: give the URL of that one with --database."
        )
    told = {
        "backup": found.base.name,
        "set_id": found.base.set_id,
        "point_in_time": wanted.moment.isoformat(),
        "erased_again": list(applied),
        "not_erased": refused,
    }
    with database.store.write(actor) as tx:
        tx.record(AuditEvent(Operation.RESTORE, "backups", None, None, told, n_rows=0))
    trail = services.audit_proof.verify()
    if trail.verdict is Verdict.TAMPERED:
        problems += [str(each) for each in trail.findings[:10]]
    return PointReport(
        base=found.base.name,
        folder=str(wanted.folder),
        moment=wanted.moment,
        last_write_at=server.last_write_at,
        database_id=database_id,
        erased_again=applied,
        not_erased=refused,
        n_events=trail.events,
        problems=tuple(problems),
        seconds=0.0,
    )
