"""Make backups: plain, packed, encrypted, with images and anew."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlmcsc import DatabaseManager
from mlmcsc.errors import ConflictError
from operations.laboratory import FILE, draw, numbered, opened, rows_of
from operations.operation import Promise

PICTURES = 8
KINDS: tuple[dict[str, Any], ...] = (
    {"with_images": False, "compress": False, "encrypt": False},
    {"with_images": True, "compress": True, "encrypt": False},
    {"with_images": True, "compress": True, "encrypt": True},
    {"with_images": True, "compress": False, "encrypt": False, "full": True},
)


class Backup:
    """A unit is one set: listed, and every byte as it was signed; or not listed at all."""

    name = "backup"
    units = len(KINDS)

    def prepare(self, place: Path) -> None:
        """Images in the managed store, labels, a version."""
        pictures = numbered(place / "camera", PICTURES)
        draw(pictures)
        with opened(place, create=True) as db:
            ids = db.ingest(pictures, storage="managed", workers=0).image_ids
            who = db.register_technician("tech_1", "Jo Lundqvist", email="jo@lundqvist.se")
            for image in ids:
                db.store_label(image, who, 0.5, notes="seen by Jo")
            db.versions.create("v1")

    def perform(self, place: Path, unit: int) -> Promise:
        """What the report says."""
        with opened(place) as db:
            report = db.backups.create(_name(unit), **KINDS[unit])
        return {"set": report.set_id, "left_out": [each.name for each in report.left_out]}

    def database(self, place: Path, unit: int) -> Path:
        """The same for all."""
        del unit
        return place / FILE

    def kept(self, place: Path, promises: Mapping[int, Promise]) -> list[str]:
        """Each is there, is that set, and can be read to the last original."""
        problems = []
        with opened(place) as db:
            for unit, promise in promises.items():
                found = db.backups.show(_name(unit))
                if found.set_id != promise["set"]:
                    problems.append(
                        f"{_name(unit)} is the set {found.set_id}, not the promised one"
                    )
                problems += _damage(db, _name(unit))
                problems += [f"{_name(unit)} lacks {name}" for name in promise["left_out"]]
        return problems

    def torn(self, place: Path, unit: int, *, refused: bool) -> list[str]:
        """Whatever is listed is whole; what is not listed has no folder that looks like one."""
        del refused
        with opened(place) as db:
            listed = {each.name for each in db.backups.list()}
            problems = [told for name in listed for told in _damage(db, name)]
        folder = place / f"{FILE}.backups" / _name(unit)
        if folder.exists() and folder.name not in listed:
            problems.append(f"{folder} looks like a backup and is not listed")
        return problems

    def again(self, place: Path, unit: int) -> Promise:
        """The same call; a name that is taken is that of the set, then whole."""
        try:
            return self.perform(place, unit)
        except ConflictError:
            with opened(place) as db:
                found = db.backups.show(_name(unit))
        return {"set": found.set_id, "left_out": []}

    def leftovers(self, place: Path) -> list[str]:
        """Sets in the making, and files that belong to none; shared ones go with a pruning."""
        with opened(place) as db:
            db.backups.prune()
            scrubbed = db.backups.scrub()
        drafts = [path.name for path in (place / f"{FILE}.backups").glob(".*")]
        return [*drafts, *map(str, scrubbed.faults), *map(str, scrubbed.unknown)]


def _damage(db: DatabaseManager, name: str) -> list[str]:
    report = db.backups.verify(name, deep=True)
    wrong = [f"{name}: {each.name}: {each.problem}" for each in report.faults]
    plain = Path(report.place) / name / "database" / "mlmcsc.db"
    if plain.exists():
        with rows_of(plain) as rows:
            labels = rows.execute("SELECT count(*) FROM labels").fetchone()[0]
        wrong += [] if labels == PICTURES else [f"{name} has {labels} labels of {PICTURES}"]
    return wrong if report.state == "ok" else [*wrong, f"{name} is {report.state}"]


def _name(unit: int) -> str:
    return f"b{unit}"
