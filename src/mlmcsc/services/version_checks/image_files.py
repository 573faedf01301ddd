"""The image files of a version, as they are now."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from mlmcsc.adapters.frozen_files import sha256_of
from mlmcsc.store.queries import version_checks as queries
from mlmcsc.store.queries.version_checks import KnownPlace
from mlmcsc.store.uow import Store

PAGE = 8192
"""Images whose paths are looked up at once."""
TASK = 16
"""Files per task of a thread: handing over a single small one costs more than reading it."""
MOST_THREADS = 8


class Depth(Enum):
    """How closely files are looked at."""

    STATUS = "size and time"
    DOUBTFUL = "content where size or time has changed"
    CONTENT = "content of every file"


class Frozen(NamedTuple):
    """An image as a version has it.

    Attributes:
        image_id: The image.
        path: Where its file lay.
        sha256: Hash (hex) of its content; None where it was never read.
    """

    image_id: int
    path: str
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Looked:
    """What became of an image's file.

    Attributes:
        image: Which.
        problem: `missing`, `changed` or `unreadable`, and how; None when all is well.
        kept_at: Another path that has the content, where there is a problem.
        at: The path that was looked at.
        n_bytes: Size of the file as it was stored.
        read: Bytes read.
    """

    image: Frozen
    problem: str | None
    at: str
    n_bytes: int
    read: int
    kept_at: str | None = None


def frozen_images(batches: Iterable[Any]) -> Iterator[list[Frozen]]:
    """The images of a version's rows, a page at a time."""
    for batch in batches:
        for start in range(0, batch.num_rows, PAGE):
            part = batch.slice(start, PAGE)
            columns = (
                part.column(name).to_pylist() for name in ("image_id", "path", "content_hash")
            )
            yield [
                Frozen(image_id, path or "", None if sha256 is None else sha256.hex())
                for image_id, path, sha256 in zip(*columns, strict=True)
            ]


def workers_of(asked: int | None) -> int:
    """How many threads read files."""
    return asked or min(MOST_THREADS, (os.cpu_count() or 1) + 1)


def with_places(db: Store, images: Sequence[Frozen]) -> list[tuple[Frozen, Sequence[KnownPlace]]]:
    """Each image and where its content was seen; in the end where it lay when it was frozen."""
    ids = np.fromiter((image.image_id for image in images), np.int64, len(images))
    with db.read() as view:
        known = queries.places(view, ids)
    found: list[tuple[Frozen, Sequence[KnownPlace]]] = []
    for image in images:
        places = known.get(image.image_id, [])
        if image.path and image.path not in [place.path for place in places]:
            last = KnownPlace(image.image_id, image.path, None, None, managed=False)
            places = [*places, last]
        found.append((image, places))
    return found


def look_at_images(
    db: Store, pages: Iterable[Sequence[Frozen]], depth: Depth, workers: int | None = None
) -> Iterator[Looked]:
    """Look at every image's file; threads read them, since hashing leaves the interpreter free."""
    size = PAGE if depth is Depth.STATUS else TASK
    with ThreadPoolExecutor(workers_of(workers)) as pool:
        for page in pages:
            found = with_places(db, page)
            tasks = [found[at : at + size] for at in range(0, len(found), size)]
            for seen in pool.map(partial(_look_all, depth), tasks):
                yield from seen


def _look_all(depth: Depth, images: Sequence[tuple[Frozen, Sequence[KnownPlace]]]) -> list[Looked]:
    absent: set[str] = set()
    return [_look(image, places, depth, absent) for image, places in images]


def _look(image: Frozen, places: Sequence[KnownPlace], depth: Depth, absent: set[str]) -> Looked:
    """Its own path decides; where nothing is there, any other path that has the content."""
    if not places:
        return Looked(image, "missing: no path of it is known", image.path, 0, 0)
    own, *others = places
    problem, read = _judge(own, image.sha256, depth, absent)
    size = own.file_size if isinstance(own.file_size, int) else 0
    if problem is None:
        return Looked(image, None, own.path, size, read)
    kept = None
    for place in others:
        elsewhere, more = _judge(place, image.sha256, depth, absent)
        read += more
        if elsewhere is None:
            kept = place.path
            break
    if kept is not None and problem == "missing":
        return Looked(image, None, kept, size, read)
    return Looked(image, problem, own.path, size, read, kept)


def _judge(
    place: KnownPlace, sha256: str | None, depth: Depth, absent: set[str]
) -> tuple[str | None, int]:
    """What is wrong with the file at a path, and how many bytes of it were read.

    Args:
        place: The path, and what was known of its file.
        sha256: What its content must be; None where that was never known.
        depth: How closely to look.
        absent: Folders found not to be there: nothing in them is looked for again. Added to.
    """
    folder = os.path.dirname(place.path)
    if folder in absent:
        return "missing", 0
    try:
        status = os.stat(place.path)
        if not stat.S_ISREG(status.st_mode):
            return "unreadable: is no regular file", 0
        same_time = place.managed or place.file_mtime_ns == status.st_mtime_ns
        same = place.file_size == status.st_size and same_time
        if sha256 is None or depth is Depth.STATUS or (same and depth is not Depth.CONTENT):
            return (None if same or sha256 is None else "changed"), 0
        found, size = sha256_of(place.path)
    except (FileNotFoundError, NotADirectoryError):
        if folder and not os.path.lexists(folder):
            absent.add(folder)
        return "missing", 0
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        return f"unreadable: {reason}", 0
    return (None if found == sha256 else "changed"), size
