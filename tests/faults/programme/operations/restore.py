"""Restore backups in place of the live database, one after the other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlmcsc import DatabaseManager
from mlmcsc.bootstrap.restoring import restore_backup
from operations.laboratory import FILE, draw, numbered, opened, rows_of, sha256
from operations.operation import Promise

PICTURES = 6
KINDS: tuple[dict[str, Any], ...] = (
    {"compress": False, "encrypt": False},
    {"compress": True, "encrypt": True},
    {"compress": True, "encrypt": False},
)
KEPT = {
    "images": "id, path, content_hash",
    "labels": "id, image_id, technician_id, label, notes, revision",
    "label_revisions": "*",
    "technicians": "id, technician_id, name",
    "data_versions": "id, version, root",
}
"""What a restore brings back as it was; it adds events of its own."""


class Restore:
    """A unit brings back another state: the file has that one or the one before, never a mixture.

    Images and versions that were lost since come back with it.
    """

    name = "restore"
    units = len(KINDS)

    def prepare(self, place: Path) -> None:
        """A backup of each state, and a live database in another."""
        pictures = numbered(place / "camera", PICTURES)
        draw(pictures)
        states = []
        with opened(place, create=True) as db:
            ids = db.ingest(pictures, storage="managed", workers=0).image_ids
            who = db.register_technician("tech_1", "Jo Lundqvist", email="jo@lundqvist.se")
            for image in ids:
                db.store_label(image, who, 0.5, notes="seen by Jo")
            for unit, kind in enumerate(KINDS):
                db.update_label(1, label=(unit + 1) / 8, reason="state")
                db.versions.create(f"v{unit}")
                db.backups.create(_name(unit), with_images=True, **kind)
                states.append(_digest(place / FILE))
            db.update_label(1, label=0.9, reason="live")
        states.append(_digest(place / FILE))
        (place / "states.json").write_text(json.dumps(states))
        for folder in (f"{FILE}.images", f"{FILE}.versions/rows"):  # what the disk has lost since
            next(path for path in (place / folder).rglob("[0-9a-f]*.*") if path.is_file()).unlink()

    def perform(self, place: Path, unit: int) -> Promise:
        """What the report says; the safety backup is a promise, too."""
        report = restore_backup(_name(unit), f"sqlite:///{place / FILE}")
        return {
            "restored": report.restored,
            "safety": (report.safety or "").partition(" in ")[0],
            "missing": sorted(report.files_missing),
        }

    def database(self, place: Path, unit: int) -> Path:
        """The same for all."""
        del unit
        return place / FILE

    def kept(self, place: Path, promises: Mapping[int, Promise]) -> list[str]:
        """The state of the last that was acknowledged, every safety backup, every file."""
        problems = []
        for unit, promise in promises.items():
            if not promise["restored"] or promise["missing"]:
                problems.append(f"{_name(unit)} was not restored whole: {promise}")
        with opened(place) as db:
            for promise in promises.values():
                problems += _safety(db, place, promise["safety"])
        return problems

    def torn(self, place: Path, unit: int, *, refused: bool) -> list[str]:
        """This state or the one before, row by row."""
        del refused
        states = json.loads((place / "states.json").read_text())
        wanted = {states[unit], states[unit - 1]}  # before the first is the last: the live one
        return [] if _digest(place / FILE) in wanted else ["the database has neither state"]

    def again(self, place: Path, unit: int) -> Promise:
        """The same call."""
        return self.perform(place, unit)

    def leftovers(self, place: Path) -> list[str]:
        """What was restored beside; and what ought to have come back, and has not."""
        beside = [str(p) for p in place.iterdir() if "restoring" in p.name or ".before" in p.name]
        with opened(place) as db:
            images = db.get_images()
            lost = [i.path for i in images if sha256(Path(i.path)) != i.content_hash]
            for version in db.get_data_versions():
                lost += [f.what for f in db.version_checks.verify(version.version).findings]
        return beside + lost


def _safety(db: DatabaseManager, place: Path, name: str) -> list[str]:
    """A backup; or a copy, of a file that could not be read at the time."""
    if "/" not in name:
        return [] if db.backups.verify(name, deep=True).whole else [f"{name} is damaged"]
    states = json.loads((place / "states.json").read_text())
    return [] if _digest(Path(name)) in states else [f"{name} is not what was there"]


def _digest(file: Path) -> str:
    told = hashlib.sha256()
    with rows_of(file) as rows:
        for table, columns in KEPT.items():
            found = rows.execute(f"SELECT {columns} FROM {table} ORDER BY id").fetchall()
            told.update(repr((table, found)).encode())
    return told.hexdigest()


def _name(unit: int) -> str:
    return f"b{unit}"
