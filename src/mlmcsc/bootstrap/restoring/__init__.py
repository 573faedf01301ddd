"""Restoring a backup: the parts of it, put together. The live database need not be readable."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from mlmcsc.adapters.crypto import PycaCryptography
from mlmcsc.adapters.keystore import key_store
from mlmcsc.bootstrap.opening import default_actor
from mlmcsc.bootstrap.restoring.house import House
from mlmcsc.bootstrap.restoring.naming import plain_file
from mlmcsc.config import Config, backup_folder, key_file, load_config, redact_url
from mlmcsc.domain.backups.restoring import Agree, RestoreReport, Wishes
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.progress import Progress, quiet
from mlmcsc.domain.sealing import MasterKey
from mlmcsc.errors import ConflictError, UnsupportedError, ValidationError
from mlmcsc.store.adoption.original import sqlite_file
from mlmcsc.store.backups.beside_files import FileGround
from mlmcsc.store.backups.refusing import refusals
from mlmcsc.store.engine import is_in_memory

if TYPE_CHECKING:
    from mlmcsc.services.restores.ports import Ground, Source


def restore_backup(
    name: str,
    url: str | None = None,
    config: Config | None = None,
    *,
    place: str | Path | None = None,
    to: str | None = None,
    dry_run: bool = False,
    without_ledger: str | None = None,
    without_names: bool = False,
    trust: str | None = None,
    drop_old: bool = False,
    agree: Agree | None = None,
    actor: Actor | None = None,
    progress: Progress = quiet,
) -> RestoreReport:
    """Restore a backup in place of the live database, or elsewhere.

    Every stored byte is verified first, a safety backup taken, the database restored beside the
    live one, compared with what was signed, brought up to date, people who were erased since
    erased again, and only then swapped in. Whatever fails, the live database is as it was.

    Args:
        name: A backup's name; or an SQLite file of before: a path, or the bare name of one that
            ends in `.db`, `.sqlite` or `.sqlite3`, where no backup is called so.
        url: The live database; None takes the configured one. It may be damaged or gone.
        config: Settings; looked up by `load_config` when left out.
        place: Folder or `s3://bucket/prefix` in which the backup lies; None: where the settings
            say.
        to: Restore elsewhere: a new file, or on PostgreSQL the name of a new database.
        dry_run: Say what would be done and lost; change nothing.
        without_ledger: Why a missing erasure ledger is put up with; recorded. None: refuse.
        without_names: Go on without the file of people's data keys: sealed texts stay unreadable.
        trust: Fingerprint (16 hex digits) of the audit key that is to be believed.
        drop_old: Drop the databases that earlier restores kept on the server, not this one's.
        agree: Asked with the plan before anything is changed; None: go on.
        actor: In whose name; None: the local user's.
        progress: Told each step.

    Returns:
        What was done; `restored` is False after a dry run or a refusal of `agree`.

    Raises:
        UnknownRecordError: There is no such backup.
        IntegrityError: The backup is damaged or not to be trusted, or the erasure ledger is
            missing or cut. Nothing was changed.
        MissingKeyError: The master key of an encrypted backup, or the data keys, are not here.
        ConflictError: Others have the database open, `to` exists, or two files are called so.
        UnsupportedError: A database in memory.
        StoreError: No room, or the disk refused. The live database is as it was.
    """
    from mlmcsc.services.restores import Restores

    config = load_config() if config is None else config
    url = config.database.get_connection_url() if url is None else url
    if is_in_memory(url):
        raise UnsupportedError(f"{redact_url(url)} ends with the program. Name a file or a server.")
    actor = actor or default_actor()
    source = _source(name, url, config, place)
    set_id = source.manifest.set_id if source.manifest else uuid.uuid4().hex
    ground = _ground(url, to, set_id, config)
    # A safety backup goes where backups go; where nobody says, beside the one that is restored.
    file = sqlite_file(url)
    usual = backup_folder(config, file and file.absolute())
    elsewhere = to is not None
    house = House(url, config, ground, actor, usual or place, elsewhere=elsewhere)
    run = Restores(actor, ground, house, elsewhere, progress)
    wishes = Wishes(dry_run, without_ledger, without_names, trust, agree, drop_old)
    with refusals(ground.shown):
        return run.restore(source, wishes)


def _source(name: str, url: str, config: Config, place: str | Path | None) -> Source:
    from mlmcsc.services.restores.sources import PlainSource

    live = sqlite_file(url)
    where = place if place is not None else backup_folder(config, live and live.absolute())
    plain = plain_file(name, where)
    if plain is not None:
        if live is None:
            raise ValidationError(f"{plain} is an SQLite file, and the database is on a server.")
        if live.exists() and plain.samefile(live):
            raise ConflictError(f"{plain} is the live database itself. Name a backup of it.")
        return PlainSource(plain)
    if where is None:
        raise UnsupportedError(
            "This database has no file that backups lie beside. Say where they are with --from "
            "FOLDER or --from s3://bucket/prefix (in Python: place=…), or set backup.directory."
        )
    return _set(name, where, config)


def _set(name: str, where: str | Path, config: Config) -> Source:
    from mlmcsc.adapters.backup_store import open_store
    from mlmcsc.services.restores.sources import open_set

    store, owner = open_store(where), ""

    def open_key(key_id: str) -> MasterKey:
        named = config.security.key_file
        return key_store(named, os.environ, key_file(owner)).get(key_id)

    found = open_set(store, name, PycaCryptography(), open_key)
    owner = found.manifest.database_id
    return found


def _ground(url: str, to: str | None, set_id: str, config: Config) -> Ground:
    file = sqlite_file(url)
    wait = config.database.busy_timeout_seconds
    if file is None:
        from mlmcsc.store.backups.beside_postgresql import ServerGround

        return ServerGround(url, to, set_id, config.backup.postgresql_tools)
    if to is None:
        return FileGround.at(file, set_id, wait)
    if not to.strip():
        raise ValidationError("to='': name the new file, e.g. --to /data/copy.db.")
    if Path(to).exists() or Path(to).is_symlink():
        raise ConflictError(f"{to} exists; a backup is restored to a new file only. Name another.")
    return FileGround.at(Path(to), set_id, wait)
