"""What the database says of files, a page at a time, so that no long transaction stays open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mlmcsc.store.models import image_aliases, images
from mlmcsc.store.queries.rows import View


@dataclass(frozen=True, slots=True)
class FileRow:
    """One path that the database knows.

    Attributes:
        id: In its table.
        path: Absolute.
        file_size: Bytes when it was read, None if it never was.
        file_mtime_ns: Its time then.
        content_hash: SHA-256, None if it was never read.
        managed: Whether it is a copy in the image store, whose time is that of the copying.
        former: Whether the image lay here before it was moved, so that no file is expected.
    """

    id: int
    path: str
    file_size: int | None
    file_mtime_ns: int | None
    content_hash: str | None
    managed: bool = False
    former: bool = False


def image_files(view: View, *, after_id: int, limit: int) -> list[FileRow]:
    """The files of images, by image id; a hash that is not SHA-256 compares with nothing."""
    c = images.c
    query = (
        sa.select(
            c.id, c.path, c.file_size, c.file_mtime_ns, c.content_hash, c.storage == "managed"
        )
        .where(c.id > after_id, sa.or_(c.content_hash.is_(None), c.hash_algorithm == "sha256"))
        .order_by(c.id)
        .limit(limit)
    )
    return [FileRow(*row) for row in view.conn.execute(query)]


def alias_files(view: View, *, after_id: int, limit: int) -> list[FileRow]:
    """Further paths of the content of images that are kept where they lie.

    The source of a managed image is left out: its copy is the record, and it may come and go.
    """
    query = _aliases().where(image_aliases.c.id > after_id).limit(limit)
    return [FileRow(*row[1:]) for row in view.conn.execute(query)]


def aliases_of(view: View, image_ids: Iterable[int]) -> list[tuple[int, FileRow]]:
    """Image id and further path of these images, as far as they are kept where they lie."""
    query = _aliases().where(view.dialect.ids_in(image_aliases.c.image_id, image_ids))
    return [(row[0], FileRow(*row[1:])) for row in view.conn.execute(query)]


def _aliases() -> sa.Select[Any]:
    a = image_aliases.c
    former = sa.and_(a.file_size.is_(None), a.file_mtime_ns.is_(None))
    columns = (a.image_id, a.id, a.path, a.file_size, a.file_mtime_ns, images.c.content_hash)
    return (
        sa.select(*columns, sa.literal(value=False), former)
        .join(images, images.c.id == a.image_id)
        .where(images.c.storage == "in_place")
        .order_by(a.id)
    )


def counts(view: View) -> tuple[int, int]:
    """Image files and alias rows, for progress."""
    of_images = sa.select(sa.func.count()).select_from(images)
    of_aliases = sa.select(sa.func.count()).select_from(image_aliases)
    return int(view.conn.scalar(of_images) or 0), int(view.conn.scalar(of_aliases) or 0)


def unknown_paths(view: View, paths: Iterable[str]) -> set[str]:
    """Which of these paths no image has."""
    wanted = set(paths)
    query = sa.select(images.c.path).where(view.dialect.ids_in(images.c.path, wanted))
    return wanted - set(view.conn.scalars(query))


def unknown_contents(view: View, hashes: Iterable[str]) -> set[str]:
    """Which of these content hashes no image has."""
    wanted = set(hashes)
    query = sa.select(images.c.content_hash).where(
        view.dialect.ids_in(images.c.content_hash, wanted)
    )
    return wanted - set(view.conn.scalars(query))


def unknown_images(view: View, ids: Iterable[int]) -> set[int]:
    """Which of these images do not exist."""
    wanted = set(ids)
    query = sa.select(images.c.id).where(view.dialect.ids_in(images.c.id, wanted))
    return wanted - set(view.conn.scalars(query))
