"""Where a SQLite file may live."""

from __future__ import annotations

from pathlib import Path

from mlmcsc.errors import StoreError

NETWORK_TYPES = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "afs",
        "ncpfs",
        "9p",
        "fuse.sshfs",
        "ceph",
        "glusterfs",
    }
)
MOUNTS = Path("/proc/self/mounts")


def refuse_network_path(path: Path) -> None:
    """SQLite's locks do not hold on network file systems, so commits could be lost.

    Raises:
        StoreError: When `path` would lie on one, or that cannot be told.
    """
    if not MOUNTS.exists():
        return  # not Linux: no cheap way to tell
    try:
        mounted = MOUNTS.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise StoreError(
            f"Cannot tell which file system {path} is on: {MOUNTS}: {error.strerror or error}. "
            "Nothing was done; try again."
        ) from error
    resolved = path.resolve()
    best, kind = Path("/"), ""
    for line in mounted.splitlines():
        _device, mount, file_system, *_ = line.split(" ")
        point = Path(mount.encode().decode("unicode_escape"))
        if resolved.is_relative_to(point) and len(point.parts) >= len(best.parts):
            best, kind = point, file_system
    if kind in NETWORK_TYPES:
        raise StoreError(
            f"{path} is on a network file system ({kind} at {best}); SQLite's locks do not hold "
            "there and commits could be lost. Use a local disk, or PostgreSQL for many machines."
        )
