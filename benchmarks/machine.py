"""The machine that the figures come from."""

from __future__ import annotations

import os
import platform
import sqlite3
from pathlib import Path

import psutil
import sqlcipher3.dbapi2 as driver


def facts(folder: Path) -> dict[str, str]:
    """Hardware, system and library versions.

    Args:
        folder: Where the benchmark databases lie.
    """
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "file system": _file_system(folder),
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "SQLite of mlmcsc": driver.sqlite_version,
        "SQLite of the original": sqlite3.sqlite_version,
    }


def load() -> float:
    """Processes that want a core, mean of the last minute: above `cores`, figures suffer."""
    return round(os.getloadavg()[0], 1)


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _file_system(folder: Path) -> str:
    """Type of the file system that holds `folder`: figures from a RAM disk would mean nothing."""
    place = folder.resolve()
    holders = [
        part for part in psutil.disk_partitions(all=True) if place.is_relative_to(part.mountpoint)
    ]
    return max(holders, key=lambda part: len(part.mountpoint)).fstype if holders else "unknown"
