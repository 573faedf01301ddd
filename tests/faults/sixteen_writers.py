"""Processes that all write for a while, each with a journal of what was acknowledged.

Run as a program: `sixteen_writers.py URL FOLDER COUNT SECONDS`. Process n writes a JSON document a
line to FOLDER/n.jsonl after each call that returned: what it did, and the ids it was given. Where
backups can be made, process 0 makes one every few seconds too.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import time
import traceback
from pathlib import Path

from mlmcsc import DatabaseManager

SHARED = 3
"""The first labels: everybody corrects them."""
VALUES = 1_000_000
BACKUP_SECONDS = 3.0
KINDS = 5
"""Kinds of calls; however slow the machine, each process makes one of each."""


class Writer:
    """One process's work; every label that it writes has a value of its own."""

    def __init__(self, db, folder, number):
        self.db, self.folder, self.number = db, folder, number
        self.random = random.Random(number)  # noqa: S311  # repeatable
        self.who = db.register_technician(f"w{number:02d}", f"Writer {number}")
        self.mine = []
        self.turn = 0

    def value(self):
        self.turn += 1
        return (self.number * VALUES + self.turn) / (64 * VALUES)

    def label(self):
        value = self.value()
        key = self.db.store_label(1 + self.turn % 5, self.who, value)
        self.mine.append(key)
        return {"labels": {key: value}}

    def labels(self):
        values = [self.value() for _ in range(5)]
        keys = self.db.store_labels(image_id=[1] * 5, label=values, technician_id=self.who).ids
        return {"labels": dict(zip(keys.tolist(), values, strict=True))}

    def predict(self):
        if self.random.random() < 0.5:
            return {"predictions": [self.db.store_prediction(1, 1, self.value(), 0.5)]}
        wanted = {"image_id": [2] * 4, "prediction": [self.value() for _ in range(4)]}
        stored = self.db.store_predictions(wanted, model_version_id=1, confidence=0.5)
        return {"predictions": stored.ids.tolist()}

    def correct(self):
        shared = self.random.random() < 0.5 or not self.mine
        key = self.random.randint(1, SHARED) if shared else self.random.choice(self.mine)
        value = self.value()
        self.db.update_label(key, label=value, reason=f"seen again by {self.number}")
        return {"corrected": [key, value]}

    def ingest(self):
        from PIL import Image

        folder = self.folder / f"{self.number}-{self.turn}"
        folder.mkdir()
        for picture in range(3):
            self.turn += 1
            colour = (self.number, self.turn >> 8 & 255, self.turn & 255)
            Image.new("RGB", (16 + picture, 12), colour).save(folder / f"{picture}.bmp")
        return {"images": list(self.db.ingest(folder, workers=1).image_ids)}

    def work(self):
        """Calls without end, each kind once and then by lot; each gives what was acknowledged."""
        kinds = (self.label, self.labels, self.predict, self.correct, self.ingest)
        yield from kinds
        while True:
            yield from self.random.choices(kinds, weights=(4, 2, 2, 4, 1))


def write_until(end, url, folder, number):
    """Write and keep the journal; a call that fails is an entry too."""
    with (folder / f"{number}.jsonl").open("w") as journal, DatabaseManager(url) as db:

        def tell(entry):
            journal.write(json.dumps(entry) + "\n")
            journal.flush()

        writer = Writer(db, folder, number)
        next_backup = time.monotonic()
        for done, call in enumerate(writer.work()):
            if done >= KINDS and time.monotonic() > end:
                break
            try:
                tell(call())
                if number == 0 and hasattr(db, "backups") and time.monotonic() > next_backup:
                    name = f"while-writing-{writer.turn}"
                    db.backups.create(name)
                    tell({"backup": name})
                    next_backup = time.monotonic() + BACKUP_SECONDS
            except Exception:  # noqa: BLE001  # whatever it is, the test is told
                tell({"error": traceback.format_exc()})
        tell({"ended": True})


def main(url, folder, count, seconds):
    Path(folder).mkdir(exist_ok=True)
    own = folder / "load"  # what loads late is loaded before the others are born
    own.mkdir()
    with DatabaseManager(f"sqlite:///{own}/load.db") as db:
        writer = Writer(db, own, 0)
        writer.ingest()
        writer.ingest()
        for _ in range(SHARED):
            writer.label()
        for each in (writer.labels, writer.predict, writer.predict, writer.correct):
            each()
    shutil.rmtree(own)
    end = time.monotonic() + seconds
    born = []
    for number in range(count):
        process = os.fork()
        if process == 0:
            write_until(end, url, folder, number)
            os._exit(0)
        born.append(process)
    sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in born))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
