"""A server on a private socket that replays the archived log up to a moment."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from mlmcsc.adapters.point_in_time.archiving import restore_command
from mlmcsc.adapters.point_in_time.tools import TOLD, Tools
from mlmcsc.errors import StoreError, UnknownRecordError

PORT: Final = 5432
BETWEEN_SECONDS: Final = 0.1
OUR_OWN: Final = {
    "listen_addresses": "",
    "port": str(PORT),
    "ssl": "off",
    "archive_mode": "off",  # nothing of the scratch server goes into the archive
    "hot_standby": "off",  # connections only once the moment is reached
    "logging_collector": "off",
    "log_destination": "stderr",
    "lc_messages": "C",  # we read what it says
    "timezone": "UTC",
    "external_pid_file": "",
    "recovery_target_inclusive": "on",
    "recovery_target_action": "promote",
}
"""Settings that win over the server's own while it recovers; none is written into its files."""
_LAST: Final = re.compile(r"last completed transaction was at log time (.+)")
_SHORT: Final = "recovery ended before configured recovery target was reached"


@dataclass(frozen=True, slots=True)
class Recovered:
    """A server that stands at the moment asked for.

    Attributes:
        socket: Folder of its socket.
        port: Number in the socket's name.
        last_write_at: Time of the last transaction that it replayed; None where there was none.
    """

    socket: Path
    port: int
    last_write_at: datetime | None


@contextmanager
def recovered(
    data: Path, archive: Path, moment: datetime, tools: Tools, seconds: float
) -> Iterator[Recovered]:
    """Start a server on `data`, let it replay the log up to `moment`, and stop it at the end.

    Args:
        data: A base backup's files; the server's when this is over.
        archive: Folder of the archived log.
        moment: What was committed until then is in it, what was committed later is not.
        tools: The server's programs.
        seconds: How long the replay may take.

    Raises:
        UnknownRecordError: The archived log does not reach as far.
        StoreError: The server does not start or does not recover, with its own words.
    """
    private = Path(
        tempfile.mkdtemp(prefix="mlmcsc-pitr-", dir="/tmp")
    )  # a socket's path holds 107 bytes; private by mkdtemp
    log = private / "log"
    try:
        _prepare(data, private, tools)
        settings = OUR_OWN | {
            "unix_socket_directories": str(private),
            "hba_file": str(private / "hba.conf"),
            "config_file": str(_settings_file(data, private)),
            "restore_command": restore_command(archive),
            "recovery_target_time": moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00"),
        }
        _start(data, log, settings, tools, seconds)
        try:
            yield Recovered(private, PORT, _last_write(log))
        finally:
            tools.run("pg_ctl", "stop", "-D", str(data), "-m", "fast", "-w", "-t", "600")
            (data / "postmaster.opts").unlink(missing_ok=True)  # our settings are not to stay
    finally:
        shutil.rmtree(private, ignore_errors=True)


def _prepare(data: Path, private: Path, tools: Tools) -> None:
    (data / "recovery.signal").touch(mode=0o600)
    (private / "hba.conf").write_text("local all all trust\n")  # the folder is ours alone
    (private / "empty.conf").touch()
    (private / "log").touch()
    if tools.user is not None:
        for path in (private, *private.iterdir()):
            shutil.chown(path, tools.user, tools.group)
        for folder, _, names in os.walk(data):
            for each in (folder, *(os.path.join(folder, name) for name in names)):
                shutil.chown(each, tools.user, tools.group)


def _settings_file(data: Path, private: Path) -> Path:
    """Debian keeps the settings outside the server's folder, and so outside base backups."""
    own = data / "postgresql.conf"
    return own if own.exists() else private / "empty.conf"


def _start(data: Path, log: Path, settings: dict[str, str], tools: Tools, seconds: float) -> None:
    quoted = (f"-c {name}={shlex.quote(value)}" for name, value in settings.items())
    options = ("-D", str(data), "-l", str(log), "-w", "-t", str(int(seconds)))
    try:
        with log.open("ab") as quiet:  # a pipe would stay open in the server
            tools.run("pg_ctl", "start", *options, "-o", " ".join(quoted), output=quiet.fileno())
        _wait(data, log.parent, tools, seconds)
    except StoreError:
        with contextlib.suppress(StoreError):  # it may have ended by itself
            tools.run("pg_ctl", "stop", "-D", str(data), "-m", "immediate")
        raise _why(log.read_text(errors="replace")) from None


def _wait(data: Path, socket: Path, tools: Tools, seconds: float) -> None:
    """Until it lets us in: `pg_ctl` waits for the beginning of the replay only, not for its end."""
    end = time.monotonic() + seconds
    while True:
        try:
            tools.run("pg_isready", "-q", "-h", str(socket), "-p", str(PORT))
        except StoreError:
            if not (data / "postmaster.pid").exists() or time.monotonic() > end:
                raise
            time.sleep(BETWEEN_SECONDS)
        else:
            return


def _why(told: str) -> StoreError | UnknownRecordError:
    if _SHORT in told:
        found = _LAST.findall(told)
        until = f"; its last write is of {found[-1]}" if found else ""
        return UnknownRecordError(
            f"The archived log does not reach the moment asked for{until}. Name an earlier "
            "moment; or archive what the server has not archived yet (SELECT pg_switch_wal())."
        )
    return StoreError(f"The server does not recover: {told.strip()[-TOLD:]}")


def _last_write(log: Path) -> datetime | None:
    found = _LAST.findall(log.read_text(errors="replace"))
    if not found:
        return None
    text = str(found[-1]).strip()
    with contextlib.suppress(ValueError):  # a zone's name that is no number: told as unknown
        return datetime.fromisoformat(text.replace(" UTC", "+00:00"))
    return None
