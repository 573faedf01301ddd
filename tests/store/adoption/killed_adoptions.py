"""Adopts copies of a database in child processes and kills each one at another point.

Run as a program: `killed_adoptions.py SOURCE FOLDER COUNT`. A profile hook counts the calls into
C, that is every SQL statement and every call of the operating system, and ends the process with
SIGKILL at a chosen one. Prints the number of children that were killed.
"""

import os
import shutil
import signal
import sys
from pathlib import Path

from mlmcsc import DatabaseManager

TELLING = ("execute", "backup", "commit", "close", "rename", "replace", "unlink", "fsync", "open")


def child(path, last):
    """Adopt; die at telling call number `last`. Returns how many there were."""
    seen = 0

    def hook(_frame, event, function):
        nonlocal seen
        if event == "c_call" and function.__name__ in TELLING:
            seen += 1
            if seen == last:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(hook)
    DatabaseManager(f"sqlite:///{path}").close()
    sys.setprofile(None)
    return seen


def main(source, folder, count):
    total = 0
    for name in ("first.db", "second.db"):  # the first also loads what loads late
        shutil.copyfile(source, folder / name)
        total = child(folder / name, 0)
    killed = 0
    for number in range(count):
        place = folder / str(number)
        place.mkdir()
        shutil.copyfile(source, place / "lab.db")
        process = os.fork()
        if process == 0:
            child(place / "lab.db", 1 + number * total // count)
            os._exit(0)
        _, status = os.waitpid(process, 0)
        killed += os.WIFSIGNALED(status)
    print(killed)  # noqa: T201  # the answer


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
