"""Freeze dataset versions, each upon the one before."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from operations.laboratory import FILE, draw, numbered, opened
from operations.operation import Promise

PICTURES = 30


class Version:
    """A unit is some new labels and a version of them: the version verifies, or is not there."""

    name = "version"
    units = 7

    def prepare(self, place: Path) -> None:
        """A labelled database with features and a first version."""
        pictures = numbered(place / "camera", PICTURES)
        draw(pictures)
        with opened(place, create=True) as db:
            ids = db.ingest(pictures, workers=0).image_ids
            who = db.register_technician("tech_1", "Jo")
            db.store_labels(
                image_id=ids, technician_id=who, label=[k / PICTURES for k in range(PICTURES)]
            )
            db.store_features(ids, "cnn", [[1.0, 2.0]] * PICTURES, "1")
            db.versions.create("v0")

    def perform(self, place: Path, unit: int) -> Promise:
        """Its root is what papers cite."""
        with opened(place) as db:
            found = db.get_labels(unit + 1)
            if all(each.label != 0.125 for each in found):
                db.store_label(unit + 1, 1, 0.125)
            made = db.versions.create(_name(unit), tags=["production"])
        return {"root": made.record.root, "rows": made.record.total_images}

    def database(self, place: Path, unit: int) -> Path:
        """The same for all."""
        del unit
        return place / FILE

    def kept(self, place: Path, promises: Mapping[int, Promise]) -> list[str]:
        """Every acknowledged version proves itself, and has the root that was told."""
        with opened(place) as db:
            found = {each.version: each.root for each in db.get_data_versions()}
            wanted = {_name(unit): promise["root"] for unit, promise in promises.items()}
            lost = [f"{v} is lost or another" for v, root in wanted.items() if found.get(v) != root]
            return lost + [told for v in found for told in _wrong(db, v)]

    def torn(self, place: Path, unit: int, *, refused: bool) -> list[str]:
        """There and whole, or not there: `kept` proves all that are there."""
        del unit, refused
        return self.kept(place, {})

    def again(self, place: Path, unit: int) -> Promise:
        """The same call finds or makes it."""
        return self.perform(place, unit)

    def leftovers(self, place: Path) -> list[str]:
        """Layers and manifests that nobody names, and drafts."""
        with opened(place) as db:
            versions, every = db._database.versions, db.get_data_versions()
            named = {x["sha256"] for v in every for x in v.layers}
            unnamed = versions.present() ^ named
            manifests = versions.manifests() ^ {f"{v.id}-{v.root[:16]}.json" for v in every}
            drafts = list((versions.root / "drafts").iterdir())
        return [str(each) for each in (*unnamed, *manifests, *drafts)]


def _wrong(db: object, version: str) -> list[str]:
    return [f"{version}: {each.what}" for each in db.version_checks.verify(version).findings]


def _name(unit: int) -> str:
    return f"v{unit + 1}"
