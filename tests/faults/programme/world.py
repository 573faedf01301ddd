"""The place of one worker: made once, and put back as it was before every run."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from operations.operation import Operation

KEPT_APART = ("MLMCSC_KEY", "MLMCSC_KEY_RETIRED", "MLMCSC_KEY_FILE", "DATABASE_URL")
ROOMY = 1 << 30


@dataclass(frozen=True, slots=True)
class World:
    """`folder/world` always has the same path, for databases remember paths.

    Attributes:
        folder: Of one worker alone.
    """

    folder: Path

    @property
    def place(self) -> Path:
        """Where the operations work."""
        return self.folder / "world"

    @property
    def log(self) -> Path:
        """Where strace writes."""
        return self.folder / "calls.log"

    @property
    def recording(self) -> Path:
        """Of a run that nothing disturbed."""
        return self.folder / "undisturbed.log"

    def prepare(self, operation: Operation, *, mounted: bool = False) -> None:
        """Make it, with keys and settings of its own; nothing of the user's is touched.

        Args:
            operation: Says what is in it.
            mounted: Whether it gets a file system of its own, which can be full.
        """
        self.place.mkdir(parents=True)
        if mounted:
            options = ["-t", "tmpfs", "-o", f"size={ROOMY}", "tmpfs"]
            subprocess.run(["mount", *options, str(self.place)], check=True, capture_output=True)
        for name in KEPT_APART:
            os.environ.pop(name, None)
        for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
            os.environ[name] = str(self.place / name.lower())
        os.chdir(self.folder)
        operation.prepare(self.place)
        shutil.copytree(self.place, self.folder / "pristine", symlinks=True)

    def renew(self) -> None:
        """As it was made."""
        for entry in self.place.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        shutil.copytree(self.folder / "pristine", self.place, symlinks=True, dirs_exist_ok=True)

    def used(self) -> int:
        """Bytes that files take on it."""
        found = os.statvfs(self.place)
        return (found.f_blocks - found.f_bfree) * found.f_frsize

    def resize(self, n_bytes: int = ROOMY) -> None:
        """Make it so large; files that are there stay."""
        options = f"remount,size={n_bytes}"
        subprocess.run(["mount", "-o", options, str(self.place)], check=True, capture_output=True)
