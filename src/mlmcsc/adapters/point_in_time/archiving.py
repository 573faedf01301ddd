"""The command by which a server archives its log, and what is in the archive.

A plain shell command and none of ours: it runs as the server's user, perhaps on another machine,
once for every 16 MiB of log, and must not depend on this program being there.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Final

from mlmcsc.errors import StoreError

SEGMENT: Final = re.compile(r"[0-9A-F]{24}", re.ASCII)
"""Name of a whole segment: timeline, log, segment (PostgreSQL, "WAL Internals")."""


def archive_command(folder: Path) -> str:
    """The value for `archive_command`: durable, whole or not at all, never over other content.

    A server may ask again for a file that it archived before a crash: the same content is a
    success, other content a failure, as PostgreSQL's manual demands (26.3.1).
    """
    place = shlex.quote(str(folder)).replace("%", "%%")  # the server reads %p, %f and %% in it
    return (
        f"D={place}; "
        'if [ -e "$D/%f" ]; then cmp -s "%p" "$D/%f" && sync "$D/%f" "$D"; '
        'else cp "%p" "$D/.%f.part" && sync "$D/.%f.part" '
        '&& ln "$D/.%f.part" "$D/%f" && rm "$D/.%f.part" && sync "$D"; fi'
    )


def restore_command(folder: Path) -> str:
    """The value for `restore_command`: a missing file is a failure, as the server expects."""
    place = shlex.quote(str(folder)).replace("%", "%%")
    return f'cp {place}/"%f" "%p"'


def archived(folder: Path) -> list[str]:
    """Names of the whole segments in the archive, oldest first within a timeline.

    Raises:
        StoreError: The folder cannot be read.
    """
    try:
        return sorted(each.name for each in folder.iterdir() if SEGMENT.fullmatch(each.name))
    except OSError as error:
        raise StoreError(
            f"backup.wal_archive={str(folder)!r} cannot be read: {error.strerror or error}. Make "
            "the folder, readable for you and writable for the server's user."
        ) from error
