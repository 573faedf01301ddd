"""Running PostgreSQL's programs to their end; what they complain of is told in their words."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final
from urllib.parse import quote, urlsplit

from mlmcsc.errors import StoreError, UnsupportedError

TOLD: Final = 2000
"""Characters of a program's last words that are told."""
LONGEST_SECONDS: Final = 24 * 3600.0
"""How long a program may take: even the copy of a large server takes less."""


@dataclass(frozen=True, slots=True)
class Tools:
    """PostgreSQL's programs.

    Attributes:
        folder: Where they are; None: found by PATH.
        user: Account they run under where this program is root, under which a server never runs.
    """

    folder: Path | None = None
    user: str | None = None

    def path(self, name: str) -> str:
        """Where a program is.

        Raises:
            UnsupportedError: It is not there.
        """
        found = shutil.which(name, path=None if self.folder is None else str(self.folder))
        if found is None:
            where = "on the PATH" if self.folder is None else f"in {self.folder}"
            raise UnsupportedError(
                f"There is no {name} {where}. Install PostgreSQL's programs of the server's "
                "version, and name their folder in the setting backup.postgresql_tools."
            )
        return found

    def run(
        self,
        name: str,
        *arguments: str,
        environ: Mapping[str, str] | None = None,
        output: IO[bytes] | int = subprocess.PIPE,
        seconds: float = LONGEST_SECONDS,
    ) -> str:
        """Run a program to its end and return what it printed; one that hangs is ended.

        Raises:
            UnsupportedError: It is not there, or it crashed.
            StoreError: It failed, with its own words.
        """
        command = [self.path(name), *arguments]
        try:
            done = subprocess.run(  # noqa: S603  # a fixed program, arguments apart
                command,
                env={**os.environ, "LC_MESSAGES": "C", **(environ or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output if output != subprocess.PIPE else subprocess.PIPE,
                timeout=seconds,
                check=False,
                cwd="/",  # ours may be closed to the other user
                user=self.user,
                group=self.group,
                extra_groups=None if self.user is None else [],
            )
        except subprocess.TimeoutExpired:
            raise StoreError(f"{name} did not end within {seconds:g} s.") from None
        except OSError as error:
            raise StoreError(f"{name} cannot be run: {error.strerror or error}.") from error
        if done.returncode < 0:  # that of PostgreSQL 18 in one wheel does, whatever it is given
            raise UnsupportedError(
                f"{command[0]} crashed (signal {-done.returncode}): it is broken. Name the folder "
                "of whole programs in the setting backup.postgresql_tools."
            )
        told = (done.stdout or b"").decode(errors="replace")
        if done.returncode:
            why = (done.stderr or b"").decode(errors="replace").strip()[-TOLD:]
            raise StoreError(f"{name} failed ({done.returncode}): {why or told[-TOLD:]}")
        return told

    @property
    def group(self) -> int | None:
        """The group of `user`."""
        if self.user is None:
            return None
        import pwd  # noqa: PLC0415  # not on Windows, where nobody is root

        return pwd.getpwnam(self.user).pw_gid


def server_user(named: str | None) -> str | None:
    """Under whose account a server is started; None: under ours.

    Raises:
        UnsupportedError: We are root and nobody is named, or nobody is so called; or another is
            named and we may not act for them.
    """
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if not is_root:
        if named is not None:
            raise UnsupportedError("--as-user is for root; you run programs as yourself already.")
        return None
    if named is None:
        raise UnsupportedError(
            "A PostgreSQL server never runs as root. Run this as the account that will own the "
            "server (`sudo -u postgres mlmcsc …`), or name it: --as-user postgres."
        )
    import pwd  # noqa: PLC0415  # not on Windows, where nobody is root

    try:
        pwd.getpwnam(named)
    except KeyError:
        raise UnsupportedError(f"--as-user {named!r}: there is no such account.") from None
    return named


def on_socket(url: str, folder: Path, port: int) -> str:
    """The same user and database on the server that listens in `folder`."""
    parts = urlsplit(url)
    user = parts.netloc.rpartition("@")[0].partition(":")[0]
    at = f"{user}@" if user else ""
    query = f"host={quote(str(folder), safe='/')}&port={port}"
    return f"postgresql://{at}{parts.path}?{query}"
