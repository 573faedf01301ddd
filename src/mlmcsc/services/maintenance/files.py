"""Image files as they are now, compared with what the database says of them."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Protocol

from mlmcsc.adapters.image_containers.source import open_source
from mlmcsc.errors import ImageFileError, ImageMissingError
from mlmcsc.store.queries.rows import View
from mlmcsc.store.queries.validation.files import FileRow
from mlmcsc.store.uow import Store

PAGE = 8192
"""Rows per read transaction."""
STATS_PER_TASK = 256
"""Look-ups of a file's size per task: handing over a single one costs more than making it."""
MOST_THREADS = 8


class Depth(Enum):
    """How closely files are looked at."""

    STATUS = "size and time"
    DOUBTFUL = "content where the time has changed"
    CONTENT = "content of every file"


class State(Enum):
    """What became of a file."""

    SOUND = "sound"
    MISSING = "missing"
    MOVED = "moved"
    FORMER = "former"
    UNREADABLE = "unreadable"
    CHANGED = "changed"
    TOUCHED = "touched"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True)
class Seen:
    """A file that was looked at.

    Attributes:
        row: What the database says of it.
        state: What became of it.
        mtime_ns: Its time now, 0 where it cannot be told.
        now_at: Where it is now, if it moved.
    """

    row: FileRow
    state: State
    mtime_ns: int = 0
    now_at: FileRow | None = None


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
    return [look(row, depth) for row in rows]


def look(row: FileRow, depth: Depth) -> Seen:
    """Look at one file."""
    try:
        status = os.stat(row.path)
    except (FileNotFoundError, NotADirectoryError):
        return Seen(row, State.FORMER if row.former else State.MISSING)
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
