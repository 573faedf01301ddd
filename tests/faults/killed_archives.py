"""Archives, restores or erases in child processes and kills each one at another point.

Run as a program: `killed_archives.py SOURCE FOLDER WHAT COUNT`. SOURCE holds lab.db and maybe its
archives. A profile hook counts the calls into C, that is every SQL statement and every call of the
operating system, and ends the process with SIGKILL at a chosen one. Prints how many were killed.
"""

import os
import shutil
import signal
import sys
from datetime import timedelta
from pathlib import Path

from mlmcsc import DatabaseManager
from mlmcsc.store.queries import persons

TELLING = {
    *("execute", "executemany", "commit", "close", "fsync", "open", "write", "write_batch"),
    *("mkdir", "rename", "replace", "unlink", "rmdir", "remove"),
}


def work(db, what):
    """Do it."""
    archives = db.archives
    if what == "create":
        archives.create("labels", timedelta(days=365))
    elif what == "restore":
        archives.restore(archives.list()[0].archive.name)
    else:
        with db._database.store.read() as view:
            person = persons.resolve(view, "tech_001")
        row, subject = person.technician_row, person.subject_id
        archives.erase_person(row, subject, ["tech_001"], "erased-00000000", labels="keep")


def child(place, what, last):
    """Work; die at telling call number `last`. Returns how many there were."""
    seen = 0

    def hook(_frame, event, function):
        nonlocal seen
        if event == "c_call" and function.__name__ in TELLING:
            seen += 1
            if seen == last:
                os.kill(os.getpid(), signal.SIGKILL)

    with DatabaseManager(f"sqlite:///{place}/lab.db") as db:
        sys.setprofile(hook)
        work(db, what)
        sys.setprofile(None)
    return seen


def main(source, folder, what, count):
    total = 0
    for name in ("first", "second"):  # the first also loads what loads late
        shutil.copytree(source, folder / name)
        total = child(folder / name, what, 0)
    killed = 0
    for number in range(count):
        place = folder / str(number)
        shutil.copytree(source, place)
        process = os.fork()
        if process == 0:
            child(place, what, 1 + number * (total - 1) // (count - 1))
            os._exit(0)
        _, status = os.waitpid(process, 0)
        killed += os.WIFSIGNALED(status)
    print(killed)  # noqa: T201  # the answer


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
