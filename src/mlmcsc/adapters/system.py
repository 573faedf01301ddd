"""Facts of the machine: disk room and who is at the keyboard."""

from __future__ import annotations

import getpass
import os
import shutil
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


def is_running(pid: int) -> bool:
    """Whether there is a process of this number on this computer; where none can tell, yes."""
    if os.name == "nt":  # there, signal 0 would end it
        return True
    try:
        os.kill(pid, 0)
    except PermissionError:  # another user's
        return True
    except ProcessLookupError:
        return False
    return True
