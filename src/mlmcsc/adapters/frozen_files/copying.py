"""Ways to put a file somewhere; each tells the hash and the size of what is there then."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal

from mlmcsc.adapters.frozen_files.hashing import digest_of, open_regular, sha256_of

Placing = Literal["copy", "hardlink", "symlink"]

FICLONE: Final = 0x40049409
"""Linux's ioctl that lets two files share their blocks until one is written (ioctl_ficlone(2))."""
CANNOT_CLONE: Final = {
    errno.EOPNOTSUPP,
    errno.ENOTTY,
    errno.EXDEV,
    errno.EINVAL,
    errno.ENOSYS,
    errno.EPERM,
    errno.EBADF,
}


def _copied(source: str, target: Path) -> tuple[str, int]:
    with open_regular(source) as data:
        out = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            return digest_of(out) if _cloned(data, out) else digest_of(data, copy_to=out)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        finally:
            os.close(out)


def _cloned(source: int, target: int) -> bool:
    if sys.platform != "linux":
        return False
    import fcntl  # noqa: PLC0415  # not on every system

    try:
        fcntl.ioctl(target, FICLONE, source)
    except OSError as error:
        if error.errno in CANNOT_CLONE:
            return False
        raise
    return True


def _hard_linked(source: str, target: Path) -> tuple[str, int]:
    os.link(os.path.realpath(source) if os.path.islink(source) else source, target)
    return _of_link(target)


def _symbolically_linked(source: str, target: Path) -> tuple[str, int]:
    target.symlink_to(source)
    return _of_link(target)


def _of_link(target: Path) -> tuple[str, int]:
    try:
        return sha256_of(str(target))
    except BaseException:
        target.unlink(missing_ok=True)
        raise


HOW: Final[Mapping[Placing, Callable[[str, Path], tuple[str, int]]]] = {
    "copy": _copied,
    "hardlink": _hard_linked,
    "symlink": _symbolically_linked,
}
