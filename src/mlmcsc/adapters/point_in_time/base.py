"""Base backups: the files of a whole server, as `pg_basebackup` copies them while it works."""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final

import orjson

from mlmcsc.adapters.point_in_time.tools import Tools
from mlmcsc.errors import IntegrityError, StoreError

FILES: Final = ("base.tar", "pg_wal.tar", "backup_manifest")
"""What a base backup is, without table spaces of its own, which are refused before."""
PIECE: Final = 1 << 20


def take(dbname: str, environ: Mapping[str, str], folder: Path, tools: Tools, label: str) -> None:
    """Copy the server's files into `folder`, which is new, and check them.

    Args:
        dbname: How to connect, without a password.
        environ: With the password.
        folder: It is made.
        tools: The programs.
        label: What the server calls this backup.

    Raises:
        StoreError: It cannot be done: told in the programs' own words.
        IntegrityError: What was copied is not what the server's manifest says.
    """
    tools.run(
        "pg_basebackup",
        *("--dbname", dbname, "--no-password", "--pgdata", str(folder), "--format", "tar"),
        *("--wal-method", "stream", "--checkpoint", "fast", "--label", label),
        *("--manifest-checksums", "SHA256"),
        environ=environ,
    )
    unknown = sorted({each.name for each in folder.iterdir()} - set(FILES))
    if unknown:
        raise StoreError(f"pg_basebackup wrote files that are not known: {', '.join(unknown)}.")
    scratch = folder / "check"  # not all versions of the program read tars
    lay_out(folder, scratch)
    check(scratch, tools)
    shutil.rmtree(scratch)


def lay_out(folder: Path, target: Path) -> None:
    """Make a server's folder of a base backup's files."""
    unpack(folder / FILES[0], target)
    unpack(folder / FILES[1], target / "pg_wal")
    shutil.copy(folder / FILES[2], target)


def check(folder: Path, tools: Tools) -> None:
    """Compare every file with its SHA-256 in the server's manifest, and look through the log.

    Raises:
        IntegrityError: They differ.
    """
    try:
        tools.run("pg_verifybackup", "--quiet", "--exit-on-error", str(folder))
    except StoreError as error:
        raise IntegrityError(
            f"The base backup is damaged: {error} Nothing was changed; use another one."
        ) from error


def log_needed(folder: Path) -> tuple[int, str, str]:
    """Timeline, first and last position of the log that a base backup needs to be consistent.

    Raises:
        IntegrityError: The server's manifest cannot be read.
    """
    try:
        document = orjson.loads((folder / FILES[2]).read_bytes())
        (found,) = document["WAL-Ranges"]
        return int(found["Timeline"]), str(found["Start-LSN"]), str(found["End-LSN"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"{folder / FILES[2]} is no manifest of a base backup.") from error


def unpack(tar: Path | IO[bytes], target: Path) -> None:
    """Write a tar's regular files and folders below `target`, private, and nothing else.

    Raises:
        IntegrityError: It is damaged, or holds a name or a kind of entry that could lead elsewhere.
        StoreError: It cannot be written.
    """
    source: dict[str, Any] = {"name": tar} if isinstance(tar, Path) else {"fileobj": tar}
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tarfile.open(mode="r|", **source) as members:
            for member in members:
                _place(members, member, target)
    except tarfile.TarError as error:
        raise IntegrityError(f"A base backup's tar is damaged: {error}.") from error
    except OSError as error:
        raise StoreError(
            f"Cannot write {target}: {error.strerror or error}. Check free space and permissions."
        ) from error


def _place(members: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    name = PurePosixPath(member.name)
    plain = not name.is_absolute() and ".." not in name.parts and "\0" not in member.name
    if not plain or not (member.isreg() or member.isdir()):
        raise IntegrityError(
            f"A base backup's tar holds {member.name[:200]!r}, which is no file or folder inside "
            "the server's. Nothing more was written; use another base backup."
        )
    path = target / name
    if member.isdir():
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    content = members.extractfile(member)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "wb") as out:
        while content is not None and (piece := content.read(PIECE)):
            out.write(piece)
        if out.tell() != member.size:
            raise IntegrityError(f"A base backup's tar is cut off in {member.name[:200]!r}.")
