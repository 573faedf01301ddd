"""Creates a version in child processes and kills each one at another point.

Run as a program: `killed_versions.py SOURCE FOLDER COUNT`. SOURCE holds lab.db and its versions. A
profile hook counts the calls into C that change something, and ends the process with SIGKILL at a
chosen one. Prints how many were killed.
"""

import os
import shutil
import signal
import sys
from pathlib import Path

from mlmcsc import DatabaseManager

TELLING = {
    *("execute", "executemany", "commit", "fsync", "open", "write", "write_batch"),
    *("mkdir", "rename", "replace", "unlink"),
}


def child(place, last):
    """Create v2; die at telling call number `last`. Returns how many there were."""
    seen = 0

    def hook(_frame, event, function):
        nonlocal seen
        if event == "c_call" and function.__name__ in TELLING:
            seen += 1
            if seen == last:
                os.kill(os.getpid(), signal.SIGKILL)

    with DatabaseManager(f"sqlite:///{place}/lab.db") as db:
        sys.setprofile(hook)
        db.versions.create("v2", tags=["production"])
        sys.setprofile(None)
    return seen


def main(source, folder, count):
    """Count the points, then die at `count` of them, evenly spread."""
    total = 0
    for name in ("first", "second"):  # the first also loads what loads late
        shutil.copytree(source, folder / name)
        total = child(folder / name, 0)
    killed = 0
    for number in range(count):
        place = folder / f"killed-{number}"
        shutil.copytree(source, place)
        pid = os.fork()
        if not pid:
            child(place, 1 + number * (total - 1) // (count - 1))
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        killed += os.WIFSIGNALED(status)
    print(killed)  # noqa: T201  # the answer


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
