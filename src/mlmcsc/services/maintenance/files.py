"""Image files as they are now, compared with what the database says of them."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Protocol

from mlmcsc.adapters.image_containers.source import open_source
from mlmcsc.domain.results import Finding
from mlmcsc.errors import ImageFileError, ImageMissingError
from mlmcsc.store.queries.rows import View
from mlmcsc.store.queries.validation.files import FileRow
from mlmcsc.store.uow import Store

PAGE = 8192
"""Rows per read transaction."""
STATS_PER_TASK = 256
"""Look-ups of a file's size per task: handing over a single one costs more than making it."""
MOST_THREADS = 8
SHOWN = 100


class Depth(Enum):
    """How closely files are looked at."""

    STATUS = "size and time"
    DOUBTFUL = "content where the time has changed"
    CONTENT = "content of every file"


class State(Enum):
    """What became of a file."""

    SOUND = "sound"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    CHANGED = "changed"
    TOUCHED = "touched"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True)
class Seen:
    """A file that was looked at; `mtime_ns` is its time now, 0 where it cannot be told."""

    row: FileRow
    state: State
    mtime_ns: int = 0


class Listing(Protocol):
    """A query of `mlmcsc.store.queries.validation.files`."""

    def __call__(self, view: View, *, after_id: int, limit: int) -> list[FileRow]:
        """The next rows by id."""
        ...


def look_at_files(
    db: Store, listing: Listing, depth: Depth, tell: Callable[[int], None]
) -> Iterator[Seen]:
    """Look at every listed file, in id order; `tell` hears how many are done.

    Files are read by threads: waiting for a disk, and hashing, leave the interpreter free.
    """
    size = STATS_PER_TASK if depth is Depth.STATUS else 1
    done = after_id = 0
    with ThreadPoolExecutor(min(MOST_THREADS, (os.cpu_count() or 1) + 1)) as pool:
        while rows := _page(db, listing, after_id):
            after_id = rows[-1].id
            tasks = [rows[i : i + size] for i in range(0, len(rows), size)]
            for seen in pool.map(partial(_look_all, depth), tasks):
                yield from seen
                done += len(seen)
                tell(done)


def _page(db: Store, listing: Listing, after_id: int) -> list[FileRow]:
    with db.read() as view:
        return listing(view, after_id=after_id, limit=PAGE)


def _look_all(depth: Depth, rows: Sequence[FileRow]) -> list[Seen]:
    return [_look(row, depth) for row in rows]


def _look(row: FileRow, depth: Depth) -> Seen:
    try:
        status = os.stat(row.path)
    except (FileNotFoundError, NotADirectoryError):
        return Seen(row, State.MISSING)
    except (OSError, ValueError):  # no permission, a failing disk, a path that is none
        return Seen(row, State.UNREADABLE)
    state = _judge(row, status)
    doubtful = depth is Depth.DOUBTFUL and state is State.TOUCHED
    if doubtful or (depth is Depth.CONTENT and state in {State.TOUCHED, State.SOUND}):
        return _compare(row)
    return Seen(row, state, status.st_mtime_ns)


def _judge(row: FileRow, status: os.stat_result) -> State:
    if not stat.S_ISREG(status.st_mode):
        return State.UNREADABLE
    if row.file_size not in {None, status.st_size}:
        return State.CHANGED
    if row.content_hash is None:
        return State.UNREAD
    same_time = row.managed or row.file_mtime_ns == status.st_mtime_ns
    return State.SOUND if same_time else State.TOUCHED


def _compare(row: FileRow) -> Seen:
    try:
        with open_source(row.path) as (source, status):
            same = source.sha256() == row.content_hash
    except ImageMissingError:
        return Seen(row, State.MISSING)
    except ImageFileError:
        return Seen(row, State.UNREADABLE)
    state = _judge(row, status) if same else State.CHANGED
    return Seen(row, state, status.st_mtime_ns)


@dataclass(slots=True)
class _Tally:
    """Files in one state."""

    count: int = 0
    ids: list[int] = field(default_factory=list)
    example: str = ""

    def add(self, row: FileRow) -> None:
        self.example = self.example or row.path
        self.count += 1
        if len(self.ids) < SHOWN:
            self.ids.append(row.id)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a state of a file means for the table that names it."""

    check: str
    message: str
    repair: str | None = None


COMPARE_FIRST = "compare the content and, where it is the same, store the new time"
UNREADABLE = Verdict(
    "file_unreadable",
    "The file cannot be read: no permission, a failing disk, or no regular file. Check the disk "
    "and the access rights.",
)
TOUCHED = Verdict(
    "file_touched",
    "The file's time has changed since it was stored, its size has not. validate --hash tells "
    "whether its content has.",
    COMPARE_FIRST,
)
OF_IMAGES = {
    State.MISSING: Verdict(
        "file_missing",
        "The image file is gone. Put it back where it was; `mlmcsc images show ID` tells what is "
        "known of it.",
    ),
    State.UNREADABLE: UNREADABLE,
    State.CHANGED: Verdict(
        "file_changed",
        "The file is not the one that was stored, so labels and predictions may belong to another "
        "picture. Put the old file back, or store the new one under a new path with `mlmcsc "
        "images ingest`.",
    ),
    State.TOUCHED: TOUCHED,
    State.UNREAD: Verdict(
        "file_unread",
        "The image was stored without reading its file: no content hash, so a change or a "
        "duplicate cannot be noticed.",
        "read the file and fill in hash, size and format where they are missing",
    ),
}
STALE = Verdict(
    "stale_alias",
    "The content was seen at this path once, but is there no longer.",
    "forget the path",
)
OF_ALIASES = {
    State.MISSING: STALE,
    State.UNREADABLE: UNREADABLE,
    State.CHANGED: STALE,
    State.TOUCHED: TOUCHED,
}


def file_findings(
    seen: Iterable[Seen], table: str, verdicts: dict[State, Verdict]
) -> list[Finding]:
    """One finding per verdict, naming the first path."""
    tallies: dict[Verdict, _Tally] = {}
    for one in seen:
        verdict = verdicts.get(one.state)
        if verdict is not None:
            tallies.setdefault(verdict, _Tally()).add(one.row)
    return [
        Finding(
            verdict.check,
            table,
            tuple(tally.ids),
            tally.count,
            f"{verdict.message} E.g. {tally.example}",
            verdict.repair,
        )
        for verdict, tally in sorted(tallies.items(), key=lambda item: item[0].check)
    ]
