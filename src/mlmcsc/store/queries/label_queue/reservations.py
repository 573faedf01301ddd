"""Images that are out with somebody: closed, counted, taken, released."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from mlmcsc.domain.columns import Columns
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.label_queue import Reservation
from mlmcsc.errors import ConflictError, HeldError, UnknownRecordError
from mlmcsc.store.models import images, label_reservations, labels, technicians
from mlmcsc.store.queries import batches
from mlmcsc.store.queries.holds import restricted_technicians
from mlmcsc.store.queries.label_queue.candidates import Asking, pending
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

_r = label_reservations.c
OPEN = _r.released_at.is_(None)


@dataclass(frozen=True, slots=True)
class Held:
    """A reservation of the technician who asks; without id and end while it is only a draft."""

    id: int | None
    image_id: int
    purpose: str
    expires_at: datetime | None


def lock(tx: Transaction) -> None:
    """One hand-out at a time: nothing is taken twice, and no two wait for each other."""
    tx.dialect.lock_table(tx.conn, label_reservations)


def admitted(view: View, technician_id: int, now: datetime) -> Asking:
    """The request of a technician who may label.

    Raises:
        UnknownRecordError: There is none with this id.
        ConflictError: The technician is not active.
        HeldError: The processing of the technician's data is restricted.
    """
    c = technicians.c
    query = sa.select(c.technician_id, c.is_active).where(c.id == technician_id)
    found = view.conn.execute(query).first()
    if found is None:
        raise UnknownRecordError(
            f"technician {technician_id} does not exist. Register the person first, or look up "
            "the right id with `technician list`."
        )
    if not found.is_active:
        raise ConflictError(
            f"{found.technician_id} is not active and gets no images. Allow it with "
            f"`technician set {found.technician_id} --active`."
        )
    restricted = restricted_technicians(view).tolist()
    if technician_id in restricted:
        raise HeldError(
            f"The processing of the data of {found.technician_id} is restricted on a recorded "
            f"ground, so no images are handed out. `privacy holds {found.technician_id}` shows it "
            "to those who have the right `privacy`."
        )
    return Asking(technician_id, now, tuple(restricted))


def close_ended(tx: Transaction, asking: Asking) -> None:
    """Close what the technician labelled or may not label, and what others let expire.

    What is out with people who may not label any more is given back too.
    """
    inactive = sa.select(technicians.c.id).where(technicians.c.is_active.is_(sa.false()))
    _close_where(
        tx,
        asking,
        # One query each: for one with OR, all reservations ever made would be read.
        _r.technician_id == asking.technician_id,
        _r.expires_at <= asking.now,
        _r.technician_id.in_(inactive),
        tx.dialect.ids_in(_r.technician_id, asking.restricted),
    )


def _close_where(tx: Transaction, asking: Asking, *which: sa.ColumnElement[bool]) -> None:
    """Close such reservations where they have ended."""
    ended = ~sa.and_(*pending(asking.now, asking.restricted))
    open_ = sa.select(_r.id, _fulfilled_by().label("label_id")).where(OPEN, ended)
    found = {row.id: row.label_id for each in which for row in tx.conn.execute(open_.where(each))}
    _close(tx, sorted(found.items()))


def _fulfilled_by() -> sa.ScalarSelect[Any]:
    """The first label that its technician made of its image, timed at or after the reservation."""
    return (
        sa.select(sa.func.min(labels.c.id))
        .where(
            labels.c.image_id == _r.image_id,
            labels.c.technician_id + 0 == _r.technician_id,  # by image, as in `pending`
            labels.c.timestamp >= _r.reserved_at,
        )
        .scalar_subquery()
    )


def _close(tx: Transaction, closed: Sequence[tuple[int, int | None]]) -> None:
    if not closed:
        return
    statement = (
        label_reservations.update()
        .where(_r.id == sa.bindparam("row_id"))
        .values(released_at=tx.now, label_id=sa.bindparam("made"))
    )
    tx.conn.execute(statement, [{"row_id": row, "made": label} for row, label in closed])
    ids = np.asarray([row for row, _ in closed], dtype=np.int64)
    made = sum(label is not None for _, label in closed)
    told: dict[str, Any] = {"released_at": tx.now, "fulfilled": made, "columns": ["id", "label_id"]}
    tx.record(
        AuditEvent(
            Operation.UPDATE,
            label_reservations.name,
            new_values=batches.id_span(ids) | told,
            n_rows=len(closed),
            digest=batches.digest_rows(iter(closed)),
        )
    )


def own(view: View, asking: Asking) -> list[Held]:
    """What is out with the technician, oldest first."""
    query = sa.select(_r.id, _r.image_id, _r.purpose, _r.expires_at).where(
        _r.technician_id == asking.technician_id, *pending(asking.now, asking.restricted)
    )
    return [Held(*row) for row in view.conn.execute(query.order_by(_r.id))]


def places_used(view: View, technician_id: int) -> int:
    """How many images the technician was ever given."""
    query = sa.select(sa.func.count()).where(_r.technician_id == technician_id)
    return int(view.conn.scalar(query) or 0)


def take(
    tx: Transaction,
    asking: Asking,
    strategy: str,
    taken: Sequence[tuple[int, str]],
    until: datetime,
) -> NDArray[np.int64]:
    """Reserve images, `(image id, purpose)` each, with one audit event; their ids, in order.

    What ended on these images is closed first. The unique indexes of open reservations guard
    against writers who do not lock the table.
    """
    technician_id = asking.technician_id
    _close_where(tx, asking, tx.dialect.ids_in(_r.image_id, [image for image, _ in taken]))
    size = len(taken)
    columns: Columns = {
        "image_id": [image for image, _ in taken],
        "technician_id": [technician_id] * size,
        "purpose": [purpose for _, purpose in taken],
        "strategy": [strategy] * size,
        "reserved_at": [tx.now] * size,
        "expires_at": [until] * size,
    }
    return batches.insert_batch(
        tx, label_reservations, columns, told={"technician_id": technician_id}
    )


def release(tx: Transaction, technician_id: int) -> int:
    """Close all that is out with the technician; how many images were not labelled."""
    query = sa.select(_r.id, _r.expires_at, _fulfilled_by().label("label_id")).where(
        OPEN, _r.technician_id == technician_id
    )
    found = tx.conn.execute(query.order_by(_r.id)).all()
    _close(tx, [(row.id, row.label_id) for row in found])
    return sum(row.label_id is None and row.expires_at > tx.now for row in found)


def out(view: View, now: datetime, technician_id: int | None) -> list[Reservation]:
    """What is out with whom, by technician and time."""
    t = technicians.c
    query = (
        sa.select(
            _r.id,
            t.technician_id,
            _r.image_id,
            images.c.path,
            _r.strategy,
            _r.purpose,
            _r.reserved_at,
            _r.expires_at,
        )
        .join(technicians, t.id == _r.technician_id)
        .join(images, images.c.id == _r.image_id)
        .where(*pending(now, restricted_technicians(view).tolist()))
        .order_by(t.technician_id, _r.id)
    )
    if technician_id is not None:
        query = query.where(_r.technician_id == technician_id)
    return [Reservation(*row) for row in view.conn.execute(query)]
