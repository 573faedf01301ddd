"""Overwriting files before they go."""

from __future__ import annotations

import os
from pathlib import Path

ZEROS = bytes(1 << 20)


def shred(path: Path) -> None:
    """Overwrite, then unlink; on a disk that moves what it writes, the old blocks may remain."""
    if path.is_file() and not path.is_symlink():
        left = path.stat().st_size
        with path.open("r+b") as out:
            while left > 0:
                left -= out.write(ZEROS[: min(left, len(ZEROS))])
            out.flush()
            os.fsync(out.fileno())
    path.unlink()
