"""Ingest pictures into the managed store, a folder of them at a time."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from operations.laboratory import FILE, draw, numbered, opened, rows_of, sha256
from operations.operation import Promise

EACH = 6


class Ingest:
    """A unit is one call of `ingest`, which is one transaction: all of its files or none."""

    name = "ingest"
    units = 14

    def prepare(self, place: Path) -> None:
        """An empty database, and the pictures."""
        draw(pictures(place))
        opened(place, create=True).close()

    def perform(self, place: Path, unit: int) -> Promise:
        """Report and ids, as the user reads them."""
        files = self._files(place, unit)
        with opened(place) as db:
            report = db.ingest(files, storage="managed", workers=0)
        refused = {each.where: each.reason for each in report.errors}
        stored = [str(file) for file in files if str(file) not in refused]
        return {"ids": dict(zip(stored, report.image_ids, strict=True)), "refused": refused}

    def database(self, place: Path, unit: int) -> Path:
        """The same for all."""
        del unit
        return place / FILE

    def kept(self, place: Path, promises: Mapping[int, Promise]) -> list[str]:
        """Each picture has its row, and the store its bytes."""
        problems = []
        with rows_of(place / FILE) as rows:
            found = dict(rows.execute("SELECT id, path || '|' || content_hash FROM images"))
        for unit, promise in promises.items():
            for file in self._files(place, unit):
                number = promise["ids"].get(str(file))
                if number is None:
                    if str(file) not in promise["refused"]:
                        problems.append(f"{file} is neither stored nor refused")
                    continue
                path, _, content = found.get(number, "|").partition("|")
                if content != sha256(file):
                    problems.append(f"image {number} of {file} is lost or another: {content!r}")
                elif sha256(Path(path)) != content:
                    problems.append(f"the managed copy of image {number} is lost or torn: {path}")
        return problems

    def torn(self, place: Path, unit: int, *, refused: bool) -> list[str]:
        """All rows or none; and every row has its whole copy."""
        del refused
        wanted = {sha256(file) for file in self._files(place, unit)}
        with rows_of(place / FILE) as rows:
            found = dict(rows.execute("SELECT content_hash, path FROM images"))
        there = wanted & found.keys()
        half = [] if len(there) in {0, EACH} else [f"{len(there)} of {EACH} images of a batch"]
        return half + [f"no whole copy of {h}" for h in there if sha256(Path(found[h])) != h]

    def again(self, place: Path, unit: int) -> Promise:
        """The same call, some days later: drafts of today may be somebody's who is copying."""
        for draft in place.rglob(".copy-*"):
            os.utime(draft, (0, 0))
        return self.perform(place, unit)

    def leftovers(self, place: Path) -> list[str]:
        """Drafts of copies."""
        return [str(path) for path in place.rglob(".copy-*")]

    @staticmethod
    def _files(place: Path, unit: int) -> list[Path]:
        return pictures(place)[unit * EACH : (unit + 1) * EACH]


def pictures(place: Path) -> list[Path]:
    """Named, not looked for: the fault is to meet the program, not its test."""
    return numbered(place / "camera", Ingest.units * EACH)
