"""Open databases of earlier releases, which brings each up to date."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from mlmcsc.domain.permissions import Actor
from mlmcsc.store import schema
from mlmcsc.store.migrations import HEAD
from operations.laboratory import draw, numbered, opened, rows_of
from operations.operation import Promise

REVISIONS = ("0003", "0002")
KEPT = {
    "images": "id, path, content_hash, width, height, timestamp",
    "labels": "id, image_id, technician_id, label, notes, timestamp",
    "technicians": "id, technician_id, name, email",
    "predictions": "id, image_id, model_version_id, prediction, confidence",
    "audit_logs": "id, timestamp, operation, table_name, record_id",
}
"""Columns of every release, whose rows no migration may change."""


class Migrate:
    """A unit is one database: at its old revision with all its rows, or at the new one."""

    name = "migrate"
    units = 12

    def prepare(self, place: Path) -> None:
        """Databases with some rows in each table, taken down to where they come from."""
        pictures = numbered(place / "camera", 6)
        draw(pictures)
        for unit in range(self.units):
            with opened(place, _file(unit), create=True) as db:
                ids = db.ingest(pictures, workers=0).image_ids
                who = db.register_technician("tech_1", "Jo Lundqvist", email="jo@lundqvist.se")
                for image in ids:
                    db.store_label(image, who, 0.5, notes="seen by Jo")
                    db.store_prediction(image, 1, 0.4, 0.9)
                store, revision = db._database.store, REVISIONS[unit % len(REVISIONS)]
                schema.migrate(store, Actor(subject="maintainer"), revision)
            with rows_of(place / _file(unit)) as rows:
                (place / f"{unit}.rows").write_text(_digest(rows))

    def perform(self, place: Path, unit: int) -> Promise:
        """What was done is what `opened` says."""
        with opened(place, _file(unit)) as db:
            return {"opened": db.opened, "labels": len(db.get_labels())}

    def database(self, place: Path, unit: int) -> Path:
        """Each has its own."""
        return place / _file(unit)

    def kept(self, place: Path, promises: Mapping[int, Promise]) -> list[str]:
        """At the newest revision, with every row."""
        problems = []
        for unit in promises:
            with rows_of(place / _file(unit)) as rows:
                found = _revision(rows)
            if found != HEAD:
                problems.append(f"{_file(unit)} is at {found}, acknowledged was {HEAD}")
            problems += self._changed(place, unit)
        return problems

    def torn(self, place: Path, unit: int, *, refused: bool) -> list[str]:
        """At either revision, with the tables of that, and every row."""
        del refused
        with rows_of(place / _file(unit)) as rows:
            found = _revision(rows)
        allowed = {HEAD, REVISIONS[unit % len(REVISIONS)]}
        wrong = [] if found in allowed else [f"{_file(unit)} is at {found}, not in {allowed}"]
        return wrong + self._changed(place, unit)

    def again(self, place: Path, unit: int) -> Promise:
        """Open it again."""
        return self.perform(place, unit)

    def leftovers(self, place: Path) -> list[str]:
        """Tables of a rebuild, which a transaction takes back."""
        found = []
        for unit in range(self.units):
            path = self.database(place, unit)
            with rows_of(path) as rows:
                made = "SELECT name FROM sqlite_master WHERE name LIKE '_alembic_tmp%'"
                found += [f"{path}: {name}" for (name,) in rows.execute(made)]
        return found

    @staticmethod
    def _changed(place: Path, unit: int) -> list[str]:
        with rows_of(place / _file(unit)) as rows:
            same = _digest(rows) == (place / f"{unit}.rows").read_text()
        return [] if same else [f"rows of {_file(unit)} are not what they were"]


def _file(unit: int) -> str:
    return f"lab{unit}.db"


def _revision(rows: object) -> str:
    return str(rows.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def _digest(rows: object) -> str:
    """Of the rows from before: a migration may add events, and no more."""
    told = hashlib.sha256()
    for table, columns in KEPT.items():
        before = " WHERE operation <> 'MIGRATE'" if table == "audit_logs" else ""
        found = rows.execute(f"SELECT {columns} FROM {table}{before} ORDER BY id").fetchall()
        told.update(repr((table, found)).encode())
    return told.hexdigest()
