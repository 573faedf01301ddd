"""Folders that belong to a database: beside its file, or, for a server, where the settings say."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from mlmcsc.config.model import Config
from mlmcsc.errors import ConfigError


def cache_folder(
    config: Config,
    database_file: Path | None,
    database_id: str,
    environ: Mapping[str, str] = os.environ,
) -> Path:
    """Where thumbnails and feature matrices of a database go; the same from any directory.

    Args:
        config: The settings; `performance.cache_directory` wins.
        database_file: The SQLite file, None for a server or a database in memory.
        database_id: What the database calls itself.
        environ: Names the user's cache folder.

    Returns:
        `FILE.cache` beside an SQLite file; else a folder of the database's own in the user's
        cache (`$XDG_CACHE_HOME` or `~/.cache`, on Windows `%LOCALAPPDATA%`), under `mlmcsc`.

    Raises:
        ConfigError: The user has no home directory, and the settings name no folder.
    """
    chosen = config.performance.cache_directory
    if chosen is not None:
        return chosen / database_id
    if database_file is not None:
        return database_file.with_name(f"{database_file.name}.cache")
    return _user_cache(environ) / "mlmcsc" / database_id


def image_store(config: Config, database_file: Path | None, database_id: str) -> Path | None:
    """Where `storage="managed"` keeps image files.

    Args:
        config: The settings; `database.image_store` wins, with a folder for each database in it.
        database_file: The SQLite file, None for a server or a database in memory.
        database_id: What the database calls itself.

    Returns:
        `FILE.images` beside an SQLite file; None for a server whose settings name no folder.
    """
    chosen = config.database.image_store
    if chosen is not None:
        return chosen / database_id
    if database_file is not None:
        return database_file.with_name(f"{database_file.name}.images")
    return None


def key_file(database_id: str, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Where a database's master key is kept, unless the settings or variables say otherwise.

    Args:
        database_id: What the database calls itself.
        environ: Names the user's folder of settings.

    Returns:
        `mlmcsc/keys/ID.key` in `$XDG_CONFIG_HOME` or `~/.config` (on Windows `%APPDATA%`): apart
        from the database, so that a copy of the one is no copy of the other. None for a user
        without a home directory.
    """
    folder = _user_folder(environ, "APPDATA", "XDG_CONFIG_HOME", ".config")
    return folder and folder / "mlmcsc" / "keys" / f"{database_id}.key"


def ledger_file(config: Config, database_id: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Where erasures are kept, apart from the database and its backups: beside the key file.

    Args:
        config: The settings; `security.key_file` says where keys are.
        database_id: What the database calls itself.
        environ: `MLMCSC_KEY_FILE` wins over the settings; `MLMCSC_KEY` has no folder.

    Returns:
        `ID.erasures.jsonl` in the folder of the key file; else where that is by default, or in
        `/var/lib/mlmcsc` for a user without a home directory.
    """
    named = environ.get("MLMCSC_KEY_FILE") or config.security.key_file
    if environ.get("MLMCSC_KEY") or not named:
        named = key_file(database_id, environ) or Path("/var/lib/mlmcsc/keys")
    return Path(named).absolute().with_name(f"{database_id}.erasures.jsonl")


def archive_folder(config: Config, database_file: Path | None, database_id: str) -> Path | None:
    """Where rows go that are archived.

    Args:
        config: The settings; `retention.archive_directory` wins, with a folder for each database
            in it.
        database_file: The SQLite file, None for a server or a database in memory.
        database_id: What the database calls itself.

    Returns:
        `FILE.archive` beside an SQLite file; None for a server whose settings name no folder.
    """
    chosen = config.retention.archive_directory
    if chosen is not None:
        return chosen / database_id
    if database_file is not None:
        return database_file.with_name(f"{database_file.name}.archive")
    return None


def version_folder(config: Config, database_file: Path | None, database_id: str) -> Path | None:
    """Where the rows and manifests of dataset versions go.

    Args:
        config: The settings; `versioning.directory` wins, with a folder for each database in it.
        database_file: The SQLite file, None for a server or a database in memory.
        database_id: What the database calls itself.

    Returns:
        `FILE.versions` beside an SQLite file; None for a server whose settings name no folder.
    """
    chosen = config.versioning.directory
    if chosen is not None:
        return chosen / database_id
    if database_file is not None:
        return database_file.with_name(f"{database_file.name}.versions")
    return None


def backup_folder(config: Config, database_file: Path | None) -> Path | None:
    """Where backups go, unless the caller says otherwise; several databases may share a folder.

    Args:
        config: The settings; `backup.directory` wins.
        database_file: The SQLite file, None for a server or a database in memory.

    Returns:
        `FILE.backups` beside an SQLite file; None for a server whose settings name no folder.
    """
    if config.backup.directory is not None:
        return config.backup.directory
    if database_file is not None:
        return database_file.with_name(f"{database_file.name}.backups")
    return None


def data_keys_file(
    config: Config, database_id: str, environ: Mapping[str, str] = os.environ
) -> Path:
    """Where the wrapped data keys of people are kept for a restore: beside the erasure ledger.

    They never go into a backup, so that an erasure reaches the sealed texts of every backup.

    Returns:
        `ID.datakeys.json` in the folder of the erasure ledger.
    """
    ledger = ledger_file(config, database_id, environ)
    return ledger.with_name(f"{database_id}.datakeys.json")


def _user_cache(environ: Mapping[str, str]) -> Path:
    folder = _user_folder(environ, "LOCALAPPDATA", "XDG_CACHE_HOME", ".cache")
    if folder is None:
        raise ConfigError(
            "this user has no home directory to keep caches in; set performance.cache_directory"
        )
    return folder


def _user_folder(environ: Mapping[str, str], windows: str, xdg: str, at_home: str) -> Path | None:
    """After the XDG Base Directory Specification 0.8: a relative path there counts as unset."""
    named = Path(environ.get(windows if os.name == "nt" else xdg, ""))
    if named.is_absolute():
        return named
    try:
        return Path.home() / at_home
    except RuntimeError:  # no HOME, and no entry in the list of users
        return None
