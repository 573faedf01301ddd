"""PostgreSQL's own programs: where they are, whether they fit the server, and how they connect."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mlmcsc.errors import StoreError, UnsupportedError

if TYPE_CHECKING:
    from psycopg import ConnectionInfo

PATIENCE_SECONDS: Final = 10
"""How long a program may take to end when it is asked to."""

LONGEST_TOLD: Final = 1000
"""Characters of a program's complaint that are passed on."""


def tool(name: str, tools: Path | None, server: int) -> Path:
    """The program `name`, fit for a server.

    Args:
        name: E.g. `pg_dump`.
        tools: The folder it is in; None looks in PATH.
        server: The server's version as libpq tells it, e.g. 160003.

    Raises:
        UnsupportedError: There is none, or it is older than the server.
    """
    wanted, place = server // 10_000, tools or "PATH"
    found = shutil.which(name, path=None if tools is None else str(tools))
    if found is None:
        raise UnsupportedError(
            f"There is no {name} in {place}. Install PostgreSQL's client programs, version "
            f"{wanted} or newer, or name their folder: backup.postgresql_tools."
        )
    told = _version(found)
    number = re.search(r"\(PostgreSQL\) (\d+)", told)
    version = int(number[1]) if number else 0
    if version < wanted:
        raise UnsupportedError(
            f"{found} is `{told}`, and the server is PostgreSQL {wanted}: older programs cannot "
            f"read newer servers. Install the client programs of version {wanted} or newer, or "
            "name their folder: backup.postgresql_tools."
        )
    return Path(found)


def _version(program: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603  # the folder is the operator's setting
            [program, "--version"], capture_output=True, check=True, text=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise UnsupportedError(f"{program} does not run: {error}.") from error
    return done.stdout.strip()


def connects(info: ConnectionInfo, database: str | None = None) -> tuple[str, dict[str, str]]:
    """The argument of `--dbname`, and the environment, by which a program connects likewise.

    The password is in the environment alone: arguments are everybody's to read.

    Args:
        info: Of an open connection.
        database: Another database of the same server.
    """
    from psycopg.conninfo import make_conninfo  # noqa: PLC0415  # an extra

    parameters = {k: v for k, v in info.get_parameters().items() if not _is_secret(k)}
    if database is not None:
        parameters["dbname"] = database
    secret = {"PGPASSWORD": info.password} if info.password else {}
    return make_conninfo("", **parameters), os.environ | secret


def _is_secret(parameter: str) -> bool:
    return "password" in parameter or parameter == "options"


def start(command: Sequence[str], environ: Mapping[str, str]) -> subprocess.Popen[str]:
    """Start a program; `stop` it, or wait for it.

    Raises:
        StoreError: It cannot be started.
    """
    try:
        return subprocess.Popen(  # noqa: S603  # found by `tool`, arguments are ours
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=dict(environ),
            start_new_session=True,  # Ctrl-C is for us, and we stop the program
        )
    except OSError as error:
        raise StoreError(f"{command[0]} cannot be started: {error.strerror}.") from error


def stop(process: subprocess.Popen[str]) -> None:
    """End the program, which ends its own helpers and their queries."""
    process.terminate()
    try:
        process.communicate(timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def complaint(program: Path, told: str, environ: Mapping[str, str]) -> StoreError:
    """What the program said on its way out, without the password."""
    password = environ.get("PGPASSWORD")
    shown = told.replace(password, "***") if password else told
    text = " ".join(shown.split())[-LONGEST_TOLD:] or "it said nothing"
    return StoreError(f"{program.name} failed: {text}")
