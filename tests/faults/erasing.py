"""Erase a person, and die at a given step: run by `test_erasure_faults.py` in its own process."""

from __future__ import annotations

import os
import signal
import sys

from mlmcsc import DatabaseManager
from mlmcsc.services.privacy.erasure import steps
from mlmcsc.services.versions.redacting import VersionRedaction


def die(*_args, **_keywords):
    os.kill(os.getpid(), signal.SIGKILL)


def main(url, moment, labels):
    def progress(step, _done, _total):
        if step == f"erasing: {moment}":
            die()

    if moment == "ledger written":
        steps.saga.add_step = die  # the line is there, the step is not noted
    if moment == "version files written":
        VersionRedaction._commit = die  # they lie beside the old ones, nobody names them
    if moment == "versions changed":
        VersionRedaction.remove_replaced = die  # nobody names the old ones, they are there
    with DatabaseManager(url) as db:
        if moment == "certified":
            db._database.store.dialect.forget_changes = die  # the name is gone, the end not noted
        if moment == "in the transaction":
            steps.in_database.deeds.destroy_keys = die
        db.delete_user_data("jo", labels=labels, progress=progress)


if __name__ == "__main__":
    main(*sys.argv[1:])
