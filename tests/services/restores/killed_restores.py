"""A restore that kills itself at a moment: `python killed_restores.py URL PLACE MOMENT`."""

from __future__ import annotations

import os
import signal
import sys

from mlmcsc import restore_backup
from mlmcsc.bootstrap.restoring.house import House, RestoredDatabase
from mlmcsc.store.backups.beside import BesideFile
from mlmcsc.store.backups.swapping import LiveFile

MOMENTS = {
    "unpacked": (BesideFile, "take", "after"),
    "opened": (House, "open", "after"),
    "erased": (RestoredDatabase, "replay", "after"),
    "finished": (BesideFile, "finish", "after"),
    "held": (LiveFile, "replace", "before"),
    "swapped": (LiveFile, "replace", "after"),
}
"""What is called, and whether death comes before or after it."""


def die_at(moment):
    owner, name, when = MOMENTS[moment]
    original = getattr(owner, name)

    def dying(*arguments):
        if when == "after":
            original(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, dying)


if __name__ == "__main__":
    url, place, moment = sys.argv[1:]
    die_at(moment)
    restore_backup("b1", url, place=place)
