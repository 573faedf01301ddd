"""What a restored database needs of its files, and what is lost with the one that it replaces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from mlmcsc.domain.records import Record
from mlmcsc.store.models import audit_logs, images
from mlmcsc.store.queries import rows
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

_i, _a = images.c, audit_logs.c
THREADS = 4
"""Who asks reads files: hashing leaves the interpreter to the others."""


@dataclass(frozen=True, slots=True)
class ImageFile(Record):
    """An image, and where its file should be."""

    id: int
    path: str
    content_hash: str | None


def images_without(view: View, is_there: Callable[[ImageFile], bool]) -> list[ImageFile]:
    """Images whose files are not there as they should be; asks for a page's at once."""
    query = rows.select_record(images, ImageFile).order_by(_i.id)
    found = []
    with ThreadPoolExecutor(THREADS) as pool:
        for page in rows.stream(view, query):
            files = [ImageFile(*row) for row in page]
            answers = pool.map(is_there, files)
            found += [file for file, right in zip(files, answers, strict=True) if not right]
    return found


def move_images(tx: Transaction, places: Mapping[int, str]) -> None:
    """Let images name the files that were put back."""
    statement = (
        images.update()
        .where(_i.id == sa.bindparam("row_id"))
        .values(path=sa.bindparam("place"), storage="managed")
    )
    tx.conn.execute(statement, [{"row_id": i, "place": p} for i, p in places.items()])


def written_since(view: View, moment: datetime) -> tuple[int, datetime | None]:
    """Events of the audit trail after a moment, and when the last was."""
    query = sa.select(sa.func.count(), sa.func.max(_a.timestamp)).where(_a.timestamp > moment)
    n_events, last = view.conn.execute(query).one()
    return int(n_events), last
