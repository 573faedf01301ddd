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
from mlmcsc.store.queries.label_queue.candidates import Asking
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


def close_done(tx: Transaction, technician_id: int) -> None:
    """Close what the technician labelled, and what anybody let expire.

    A reservation is fulfilled by the first label that its technician made of its image, timed at
    or after the reservation.
    """
    done = (
        sa.select(sa.func.min(labels.c.id))
        .where(
            labels.c.image_id == _r.image_id,
            labels.c.technician_id == _r.technician_id,
            labels.c.timestamp >= _r.reserved_at,
        )
        .scalar_subquery()
    )
    # Two queries: for one with OR, all reservations ever made would be read.
    open_ = sa.select(_r.id, _r.expires_at, done.label("label_id")).where(OPEN)
    found = {
        row.id: row
        for which in (_r.technician_id == technician_id, _r.expires_at <= tx.now)
        for row in tx.conn.execute(open_.where(which))
    }
    closed = [
        (row.id, row.label_id)
        for _, row in sorted(found.items())
        if row.label_id is not None or row.expires_at <= tx.now
    ]
    _close(tx, closed)


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


def own(view: View, technician_id: int, now: datetime) -> list[Held]:
    """What is out with the technician, oldest first."""
    query = sa.select(_r.id, _r.image_id, _r.purpose, _r.expires_at).where(
        OPEN, _r.technician_id == technician_id, _r.expires_at > now
    )
    return [Held(*row) for row in view.conn.execute(query.order_by(_r.id))]


def places_used(view: View, technician_id: int) -> int:
    """How many images the technician was ever given."""
    query = sa.select(sa.func.count()).where(_r.technician_id == technician_id)
    return int(view.conn.scalar(query) or 0)


def take(
    tx: Transaction,
    technician_id: int,
    strategy: str,
    taken: Sequence[tuple[int, str]],
    until: datetime,
) -> NDArray[np.int64]:
    """Reserve images, `(image id, purpose)` each, with one audit event; their ids, in order.

    The unique indexes of open reservations guard against writers who do not lock the table.
    """
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
    """Give back all that is out with the technician; how many."""
    query = sa.select(_r.id).where(OPEN, _r.technician_id == technician_id).order_by(_r.id)
    found = tx.conn.scalars(query).all()
    _close(tx, [(row, None) for row in found])
    return len(found)


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
        .where(OPEN, _r.expires_at > now)
        .order_by(t.technician_id, _r.id)
    )
    if technician_id is not None:
        query = query.where(_r.technician_id == technician_id)
    return [Reservation(*row) for row in view.conn.execute(query)]
