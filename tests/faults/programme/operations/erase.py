"""Erase people, one after the other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from mlmcsc.errors import UnknownRecordError
from operations.laboratory import FILE, draw, numbered, opened, rows_of
from operations.operation import Promise

LABELS = 4


class Erase:
    """A unit is one person: there in full, or begun and finished by the same call, or erased."""

    name = "erase"
    units = 3

    def prepare(self, place: Path) -> None:
        """People with labels, words about them in other rows, and a version of it all."""
        pictures = numbered(place / "camera", self.units * LABELS)
        draw(pictures)
        with opened(place, create=True) as db:
            ids = db.ingest(pictures, workers=0).image_ids
            for unit in range(self.units):
                who = db.register_technician(_number(unit), _name(unit), email=_mail(unit))
                for image in ids[unit * LABELS : (unit + 1) * LABELS]:
                    db.store_label(image, who, 0.5, notes=f"{_name(unit)} saw it twice")
            db.versions.create("v1")
            with db._database.store.read() as view:
                found = view.conn.exec_driver_sql("SELECT technician_id, subject_id FROM subjects")
                subjects = {_number(row - 1): subject for row, subject in found if row}
        (place / "subjects.json").write_text(json.dumps(subjects))

    def perform(self, place: Path, unit: int) -> Promise:
        """The certificate is what the person is given."""
        file = place / f"certificate-{unit}.json"
        with opened(place) as db:
            done = db.delete_user_data(_number(unit), labels=_labels(unit), certificate=file)
        return {"subject": done.subject_id, "finished": done.finished_at is not None}

    def database(self, place: Path, unit: int) -> Path:
        """The same for all."""
        del unit
        return place / FILE

    def kept(self, place: Path, promises: Mapping[int, Promise]) -> list[str]:
        """No byte of an erased person is left; certificate and line in the ledger are there."""
        problems = []
        ledger = "".join(path.read_text() for path in place.rglob("*.erasures.jsonl"))
        for unit, promise in promises.items():
            if not promise["finished"]:
                problems.append(f"{_number(unit)} was acknowledged without having been finished")
            problems += _traces(place, unit)
            if promise["subject"] not in ledger:
                problems.append(f"the ledger does not tell of {_number(unit)}")
            file = place / f"certificate-{unit}.json"
            if not file.is_file() or promise["subject"] not in file.read_text():
                problems.append(f"{file.name} is missing or torn")
        return problems

    def torn(self, place: Path, unit: int, *, refused: bool) -> list[str]:
        """Everybody else is there in full; whoever is gone from the database is in the ledger."""
        del refused
        with rows_of(place / FILE) as rows:
            found = dict(rows.execute("SELECT id, technician_id FROM technicians"))
            counts = dict(
                rows.execute("SELECT technician_id, count(*) FROM labels GROUP BY technician_id")
            )
        problems = [
            f"{_number(other)} was touched, who was not to be erased"
            for other in range(unit + 1, self.units)
            if found.get(other + 1) != _number(other) or counts.get(other + 1) != LABELS
        ]
        ledger = "".join(path.read_text() for path in place.rglob("*.erasures.jsonl"))
        if found.get(unit + 1) != _number(unit) and self._subject(place, unit) not in ledger:
            problems.append(f"{_number(unit)} is erased, and the ledger does not tell")
        return problems

    def again(self, place: Path, unit: int) -> Promise:
        """The same call; whoever is erased already is found by their subject id only."""
        try:
            return self.perform(place, unit)
        except UnknownRecordError:
            file = place / f"certificate-{unit}.json"
            with opened(place) as db:
                done = db.delete_user_data(
                    self._subject(place, unit),
                    labels=_labels(unit),
                    certificate=None if file.exists() else file,
                )
            return {"subject": done.subject_id, "finished": done.finished_at is not None}

    def leftovers(self, place: Path) -> list[str]:
        """Rows that no version names, drafts, and lists of files, which the next version takes."""
        waiting = [p for p in place.rglob(".*") if p.is_file() and p.name != ".lock"]
        with opened(place) as db:
            versions = db._database.versions
            named = {x["sha256"] for v in db.get_data_versions() for x in v.layers}
            unnamed = [f"unnamed layer {each}" for each in versions.present() - named]
            db.versions.create("next")
        drafts = [*(versions.root / "drafts").iterdir()] if versions.root.is_dir() else []
        return unnamed + [str(path) for path in (*drafts, *waiting)]

    @staticmethod
    def _subject(place: Path, unit: int) -> str:
        return str(json.loads((place / "subjects.json").read_text())[_number(unit)])


def _traces(place: Path, unit: int) -> list[str]:
    needles = (f"lundqvist{unit:03}".encode(), _number(unit).encode())
    files = [p for p in place.rglob("*") if p.is_file() and p.name != "subjects.json"]
    texts = ((path, path.read_bytes().lower()) for path in files)
    return [f"{n!r} is in {path}" for path, text in texts for n in needles if n in text]


def _number(unit: int) -> str:
    return f"tech_{unit:03}"


def _name(unit: int) -> str:
    return f"Jo Lundqvist{unit:03}"


def _mail(unit: int) -> str:
    return f"jo@lundqvist{unit:03}.se"


def _labels(unit: int) -> str:
    return "delete" if unit % 2 else "keep"
