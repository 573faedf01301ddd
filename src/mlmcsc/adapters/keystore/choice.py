"""Which of the places that may hold the master key is the one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mlmcsc.adapters.keystore.environment import EnvironmentKeyStore
from mlmcsc.adapters.keystore.file import FileKeyStore
from mlmcsc.config.redact import looks_like_key
from mlmcsc.domain.sealing import KeyStore
from mlmcsc.errors import ConfigError


def key_store(
    config_key_file: Path | None, environ: Mapping[str, str], default_path: Path | None
) -> KeyStore:
    """The place of a database's master key: the first of these that is set.

    1. the variable `MLMCSC_KEY`, with older keys in `MLMCSC_KEY_RETIRED`;
    2. the file that the variable `MLMCSC_KEY_FILE` names;
    3. the file that the setting `security.key_file` names;
    4. the database's own file among the user's settings.

    An empty variable counts as unset. Nothing is read or made yet.

    Args:
        config_key_file: The setting.
        environ: The environment.
        default_path: The last of the four; None for a user without a home directory.

    Raises:
        ConfigError: None is set, or a key stands where a file's name belongs.
    """
    if value := environ.get("MLMCSC_KEY"):
        return EnvironmentKeyStore(value, retired=environ.get("MLMCSC_KEY_RETIRED", ""))
    if named := environ.get("MLMCSC_KEY_FILE"):
        return FileKeyStore(_checked(named), is_named=True)
    if config_key_file is not None:
        return FileKeyStore(config_key_file, is_named=True)
    if default_path is not None:
        return FileKeyStore(default_path)
    raise ConfigError(
        "this user has no home directory to keep the master key in; set security.key_file, "
        "MLMCSC_KEY_FILE or MLMCSC_KEY"
    )


def _checked(named: str) -> Path:
    """As the configuration checks `security.key_file`."""
    if looks_like_key(named):
        raise ConfigError(
            "MLMCSC_KEY_FILE holds a key where the name of a key file belongs; set MLMCSC_KEY to "
            "it instead (what was set is not shown)"
        )
    if named.startswith("~"):
        raise ConfigError(
            f"MLMCSC_KEY_FILE = {named}: '~' is not expanded here; write the path in full"
        )
    return Path(named)
