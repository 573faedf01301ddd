"""What the database says of a version's images, and of what has happened since it was made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.domain.enums import Operation
from mlmcsc.store.models import (
    audit_logs,
    data_versions,
    frozen_images,
    image_aliases,
    images,
    labels,
)
from mlmcsc.store.queries.rows import CHUNK, View

Ids = NDArray[np.int64]


class KnownPlace(NamedTuple):
    """A path at which an image's content was seen.

    Attributes:
        image_id: Whose.
        path: Absolute.
        file_size: Bytes; None where it is not expected there any more.
        file_mtime_ns: Its time.
        managed: Whether it is a copy in the image store, whose time is that of the copying.
    """

    image_id: int
    path: str
    file_size: int | None
    file_mtime_ns: int | None
    managed: bool


def places(view: View, image_ids: Ids) -> dict[int, list[KnownPlace]]:
    """The paths of each image: its own first, then the others in which it was seen."""
    found: defaultdict[int, list[KnownPlace]] = defaultdict(list)
    c, a = images.c, image_aliases.c
    managed = sa.case((c.storage == "managed", 1), else_=0)
    own = sa.select(c.id, c.path, c.file_size, c.file_mtime_ns, managed)
    other = sa.select(a.image_id, a.path, a.file_size, a.file_mtime_ns, sa.literal(0))
    for query, column in ((own, c.id), (other.order_by(a.id), a.image_id)):
        for part in _parts(image_ids):
            for row in view.conn.execute(query.where(view.dialect.ids_in(column, part))).all():
                image_id, path, size, mtime, managed_here = row
                found[image_id].append(KnownPlace(image_id, path, size, mtime, managed_here == 1))
    return dict(found)


def paths(view: View, image_ids: Iterable[int]) -> dict[int, str]:
    """Where the files of these images are."""
    c = images.c
    query = sa.select(c.id, c.path).where(view.dialect.ids_in(c.id, image_ids))
    return {row.id: row.path for row in view.conn.execute(query)}


def total_bytes(view: View, image_ids: Ids) -> int:
    """Size of all files of these images, as they were stored."""
    query = sa.select(sa.func.coalesce(sa.func.sum(images.c.file_size), 0))
    return sum(
        int(view.conn.scalar(query.where(view.dialect.ids_in(images.c.id, part))) or 0)
        for part in _parts(image_ids)
    )


def _parts(image_ids: Ids) -> Iterable[Ids]:
    return (image_ids[at : at + CHUNK] for at in range(0, len(image_ids), CHUNK))


def newest(view: View) -> str | None:
    """Name of the version made last of those whose rows were kept."""
    c = data_versions.c
    query = sa.select(c.version).where(c.root.is_not(None)).order_by(c.id.desc()).limit(1)
    name = view.conn.scalar(query)
    return None if name is None else str(name)


def since(view: View, version_id: int) -> dict[tuple[str, str], int]:
    """Rows of labels and images that each kind of event tells of since a version was committed."""
    c = audit_logs.c
    made = sa.select(sa.func.max(c.id)).where(
        c.table_name == data_versions.name,
        c.record_id == version_id,
        c.operation.in_((Operation.CREATE.value, Operation.IMPORT.value)),
    )
    after = view.conn.scalar(made) or 0
    # The sum with a text keeps SQLite from the index on the table's name: the events after a
    # version are few, those about labels many.
    about = (c.table_name + "").in_((labels.name, images.name))
    query = (
        sa.select(c.table_name, c.operation, sa.func.sum(c.n_rows))
        .where(c.id > after, about)
        .group_by(c.table_name, c.operation)
    )
    return {(row[0], row[1]): int(row[2]) for row in view.conn.execute(query)}


def redactions_told(view: View, version_id: int) -> int:
    """How many of a version's rows the audit trail tells to be redacted."""
    c = audit_logs.c
    query = sa.select(sa.func.coalesce(sa.func.sum(c.n_rows), 0)).where(
        c.table_name == data_versions.name,
        c.record_id == version_id,
        c.operation == Operation.REDACT.value,
    )
    return int(view.conn.scalar(query) or 0)


class Creation(NamedTuple):
    """What the audit trail tells of a version's making.

    Attributes:
        root: Of its rows, hex.
        values: The columns that were written; None where they were erased from the trail.
    """

    root: str | None
    values: Any


def creation(view: View, version_id: int) -> Creation | None:
    """The event of a version's making; None where the trail has none."""
    c = audit_logs.c
    query = sa.select(c.digest, c.new_values).where(
        c.table_name == data_versions.name,
        c.record_id == version_id,
        c.operation == Operation.CREATE.value,
    )
    found = view.conn.execute(query.order_by(c.id.desc()).limit(1)).first()
    return None if found is None else Creation(*found)


def not_frozen(view: View, image_ids: Ids) -> Ids:
    """Which of a version's images nothing keeps from being deleted, ascending."""
    query = sa.select(frozen_images.c.image_id)
    found = view.dialect.read_numbers(view.conn, query, np.dtype([("id", "<i8")]))["id"]
    return np.setdiff1d(image_ids, found)
