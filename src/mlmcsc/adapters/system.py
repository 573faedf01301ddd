"""Facts of the machine: disk room and who is at the keyboard."""

from __future__ import annotations

import getpass
import os
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path


def disk_free(folder: Path) -> tuple[int, int]:
    """Free and total bytes of the disk that holds `folder`."""
    usage = shutil.disk_usage(folder)
    return usage.free, usage.total


def os_user() -> str:
    """The operating system's name for the user, for the audit trail."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no name for this uid, as in many containers
        return f"uid-{os.getuid()}" if hasattr(os, "getuid") else "unknown"


def is_running(pid: int, since: datetime) -> bool:
    """Whether the process that had this number at a moment still runs; where none can tell, yes.

    Args:
        pid: Its number on this computer.
        since: The moment: a process that began later has the number of one that is gone, as in a
            container, where a program has the same number each time.
    """
    if os.name == "nt":  # there, signal 0 would end it
        return True
    try:
        os.kill(pid, 0)
    except PermissionError:  # another user's
        pass
    except ProcessLookupError:
        return False
    began = _began(pid)
    return began is None or began <= since


def _began(pid: int) -> datetime | None:
    """When a process began, to a hundredth of a second; None where nobody tells."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
        since_boot = int(text.rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
        running = time.clock_gettime(time.CLOCK_BOOTTIME) - since_boot  # proc(5), "starttime"
    except (OSError, ValueError, IndexError, AttributeError):  # not on Linux; or it just ended
        return None
    return datetime.now(UTC) - timedelta(seconds=running)
