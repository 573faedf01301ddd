"""Damages one file of a backup at a time, and asks `verify`, then a restore, whether it is sound.

Three places hold real backups: plain, packed and encrypted, the second of each resting on contents
of the first. One file is damaged, judged, and put back; so thousands of cases cost seconds.
"""

from __future__ import annotations

import hashlib
import itertools
import random
import shutil
import time
from collections import Counter
from dataclasses import dataclass

from mlmcsc import DatabaseManager, load_config, restore_backup
from mlmcsc.errors import MlmcscError

KINDS = {
    "plain": {"compress": False, "encrypt": False},
    "zstd": {"compress": True, "encrypt": False},
    "encrypted": {"compress": True, "encrypt": True},
}
NAME = "b2"
IMAGES = 6
RESTORED_EVERY = 20
"""So often a restore that is no dry run is tried too: it must refuse before it touches anything."""


def flipped(path, files, rng):
    """One bit is another."""
    del files
    content = bytearray(path.read_bytes())
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)


def truncated(path, files, rng):
    """The end is missing, or all of it."""
    del files
    content = path.read_bytes()
    path.write_bytes(content[: rng.randrange(len(content))])


def swapped(path, files, rng):
    """It has the content of another file of the place, and that one its content."""
    content = path.read_bytes()
    others = [each for each in files if each.read_bytes() != content]
    other = rng.choice(others)
    path.write_bytes(other.read_bytes())
    other.write_bytes(content)


def deleted(path, files, rng):
    """It is gone."""
    del files, rng
    path.unlink()


OTHERS = (truncated, swapped, deleted)


@dataclass(frozen=True)
class Scene:
    """A laboratory with three places of backups, and somebody who only looks at those.

    Attributes:
        live: Folder of the live database and of all that belongs to it.
        looker: A copy of the database, which notes what `verify` found.
        places: Folder of each kind.
    """

    live: object
    looker: object
    places: dict

    @property
    def url(self):
        return f"sqlite:///{self.live}/lab.db"

    def restore(self, kind, *, dry_run):
        return restore_backup(
            NAME, self.url, load_config(), place=self.places[kind], dry_run=dry_run
        )

    def files(self, kind):
        """All files of the second set; what both share is among them."""
        place = self.places[kind]
        files = (path for path in place.rglob("*") if path.is_file())
        apart = {"b1", "leases"}
        return sorted(path for path in files if path.relative_to(place).parts[0] not in apart)


def laid_out(folder, template, pictures):
    """The scene, below a folder; keys and ledger lie where the user's settings do."""
    scene = Scene(folder / "live", folder / "looker.db", {k: folder / k for k in KINDS})
    scene.live.mkdir()
    shutil.copy(template, scene.live / "lab.db")
    with DatabaseManager(scene.url) as db:
        db.ingest(pictures[1:], storage="managed", workers=0)
        who = db.register_technician("t1", "Jo Lund", email="jo@lund.example")
        for image in range(1, len(pictures)):
            db.store_label(image, who, 0.5, notes="seen by Jo")
        db.versions.create("v1")
        for name in ("b1", NAME):
            for kind, place in scene.places.items():
                db.backups.create(name, to=place, with_images=True, **KINDS[kind])
            db.ingest(pictures[:1], storage="managed", workers=0)
    shutil.copy(scene.live / "lab.db", scene.looker)
    return scene


def damage_all(scene, count, seed):
    """Damage `count` times, half of them one bit; what was found by whom, and what was missed."""
    rng = random.Random(seed)  # noqa: S311  # repeatable on purpose
    begun, found, missed = time.monotonic(), Counter(), []
    files = {kind: scene.files(kind) for kind in KINDS}
    others, kinds = itertools.cycle(OTHERS), itertools.cycle(KINDS)
    with DatabaseManager(f"sqlite:///{scene.looker}") as looker:
        for number in range(count):
            kind = next(kinds)
            damage = flipped if number < count // 2 else next(others)
            if number % len(KINDS) == 0 and number >= count // 2:
                next(others)  # so that every kind of backup meets every kind of damage
            path = rng.choice(files[kind])
            before = {each: each.read_bytes() for each in files[kind]}
            damage(path, files[kind], rng)
            by = _found_by(scene, looker, kind, restored=number % RESTORED_EVERY == 0)
            found[kind, damage.__name__, by] += 1
            if by == "missed":
                place = scene.places[kind]
                missed.append((str(path.relative_to(place)), damage.__name__, _changed(before)))
            _put_back(before)
        whole = [looker.backups.verify(NAME, to=place).whole for place in scene.places.values()]
    for kind in KINDS:
        scene.restore(kind, dry_run=True)  # what was put back is sound
    seconds = round(time.monotonic() - begun, 1)
    return {"found": found, "missed": missed, "whole": all(whole), "seconds": seconds}


def _found_by(scene, looker, kind, *, restored):
    if restored and not _refused(lambda: scene.restore(kind, dry_run=False)):
        return "missed"
    try:
        whole = looker.backups.verify(NAME, to=scene.places[kind]).whole
    except MlmcscError:
        whole = False
    if not whole:
        return "verify"
    return "restore" if _refused(lambda: scene.restore(kind, dry_run=True)) else "missed"


def _refused(work):
    try:
        work()
    except MlmcscError:
        return True
    return False


def _changed(before):
    """Where the first difference is, to look at it."""
    for path, content in before.items():
        now = path.read_bytes() if path.exists() else None
        if now != content and now is not None:
            pairs = enumerate(zip(now, content, strict=False))
            at = next((n for n, (one, other) in pairs if one != other), min(len(now), len(content)))
            return f"{path.name} at {at}: {content[at - 20 : at + 20]!r}"
    return "gone"


def _put_back(before):
    for path, content in before.items():
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)


def state_of(folder):
    """Every file below a folder, by hash."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
