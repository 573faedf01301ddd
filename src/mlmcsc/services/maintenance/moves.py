"""Missing files whose content was also stored from a path where a file still is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from mlmcsc.services.maintenance.files import PAGE, Depth, Seen, State, look
from mlmcsc.store.queries.validation import files as file_queries
from mlmcsc.store.queries.validation.files import FileRow
from mlmcsc.store.uow import Store

THERE = frozenset({State.SOUND, State.TOUCHED})


def with_moves(db: Store, seen: Iterable[Seen], depth: Depth) -> Iterator[Seen]:
    """The same files; missing images become moved ones where a further path of theirs serves.

    Args:
        db: The store.
        seen: Image files.
        depth: With `CONTENT` a further path serves when its file, read now, has the image's hash;
            otherwise when a file of the image's size is there.
    """
    missing: list[Seen] = []
    for one in seen:
        if one.state is not State.MISSING:
            yield one
            continue
        missing.append(one)
        if len(missing) == PAGE:
            yield from _followed(db, missing, depth)
            missing = []
    yield from _followed(db, missing, depth)


def _followed(db: Store, missing: list[Seen], depth: Depth) -> Iterator[Seen]:
    if not missing:
        return
    further: dict[int, list[FileRow]] = {}
    with db.read() as view:
        for image_id, alias in file_queries.aliases_of(view, [one.row.id for one in missing]):
            further.setdefault(image_id, []).append(alias)
    for one in missing:
        looks = (look(alias, depth) for alias in further.get(one.row.id, ()))
        there = next((found for found in looks if found.state in THERE), None)
        if there is None:
            yield one
        else:
            yield replace(one, state=State.MOVED, mtime_ns=there.mtime_ns, now_at=there.row)


def still_moved(db: Store, seen: Iterable[Seen]) -> tuple[list[Seen], int]:
    """Moved files whose content was read and is the image's, and how many seemed to be moved."""
    hoped = [one for one in with_moves(db, seen, Depth.STATUS) if one.state is State.MOVED]
    missing = [replace(one, state=State.MISSING, now_at=None) for one in hoped]
    read = with_moves(db, missing, Depth.CONTENT)
    found = [one for one in read if one.state is State.MOVED]
    return found, len(hoped)
