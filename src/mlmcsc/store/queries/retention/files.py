"""Files whose images were deleted: noted in the same transaction, so that none is forgotten.

A file can only be removed after the commit, and a process may end in between. What is noted is
removed by the next run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.domain.enums import Storage
from mlmcsc.store.models import image_aliases, images, settings
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

PREFIX = "retention_files_"


@dataclass(frozen=True, slots=True)
class Leftover:
    """What a deleted image may have left on disk.

    Attributes:
        image_id: The image.
        content_hash: SHA-256 (hex) of its content, None where it was never read.
        copy: Path of its copy in the managed image store, None where the file is the laboratory's.
    """

    image_id: int
    content_hash: str | None
    copy: str | None


def leftovers(view: View, ids: NDArray[np.int64]) -> tuple[list[Leftover], list[str]]:
    """What these images have on disk, and the paths of files that are the laboratory's own."""
    c = images.c
    query = sa.select(c.id, c.content_hash, c.path, c.storage).where(view.dialect.ids_in(c.id, ids))
    found = view.conn.execute(query.order_by(c.id)).all()
    managed = [row.path if row.storage == Storage.MANAGED else None for row in found]
    left = [
        Leftover(row.id, row.content_hash, copy) for row, copy in zip(found, managed, strict=True)
    ]
    return left, [row.path for row, copy in zip(found, managed, strict=True) if copy is None]


def note(tx: Transaction, left: Sequence[Leftover]) -> str:
    """Note files to be removed after the commit; returns the note's key."""
    key = f"{PREFIX}{left[0].image_id}"
    tx.conn.execute(settings.insert(), {"key": key, "value": [asdict(one) for one in left]})
    return key


def noted(view: View) -> dict[str, list[Leftover]]:
    """Files still to be removed, by note."""
    c = settings.c
    query = sa.select(c.key, c.value).where(c.key.startswith(PREFIX, autoescape=True))
    return {
        key: [Leftover(**one) for one in value]
        for key, value in view.conn.execute(query.order_by(c.key))
    }


def forget(tx: Transaction, key: str) -> None:
    """The files of a note are gone."""
    tx.conn.execute(settings.delete().where(settings.c.key == key))


def still_used(tx: Transaction, left: Sequence[Leftover]) -> tuple[set[str], set[str]]:
    """Of these leftovers, the contents and copies that some image has (again); none comes now."""
    tx.dialect.lock_table(tx.conn, images)
    contents = {one.content_hash for one in left if one.content_hash is not None}
    copies = {one.copy for one in left if one.copy is not None}
    return (
        _named(tx, images.c.content_hash, contents),
        _named(tx, images.c.path, copies) | _named(tx, image_aliases.c.path, copies),
    )


def _named(tx: Transaction, column: sa.Column[str], wanted: set[str]) -> set[str]:
    return set(tx.conn.scalars(sa.select(column).where(tx.dialect.ids_in(column, wanted))))
