"""Who else has a file open."""

from __future__ import annotations

import os
from pathlib import Path

from mlmcsc.errors import ConflictError


def in_use(path: Path) -> ConflictError:
    """The refusal, with the processes where the system tells them."""
    who = ", ".join(holders(path))
    by = f" (process {who})" if who else ""
    return ConflictError(
        f"Other programs have {path} open{by}, and would go on with the old data. Nothing was "
        "changed; close them and repeat."
    )


def holders(path: Path) -> list[str]:
    """Other processes that have the file open, where the system tells: `1234 python`."""
    try:
        wanted = path.stat()
        processes = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    except OSError:
        return []
    others = [each for each in processes if int(each.name) != os.getpid()]
    return [name for process in others if (name := _name_if_open(process, wanted))]


def _name_if_open(process: Path, wanted: os.stat_result) -> str | None:
    try:
        for entry in (process / "fd").iterdir():
            there = os.stat(entry)
            if (there.st_dev, there.st_ino) == (wanted.st_dev, wanted.st_ino):
                return f"{process.name} {(process / 'comm').read_text('utf-8', 'replace').strip()}"
    except OSError:  # it ended meanwhile, or is another user's
        return None
    return None
