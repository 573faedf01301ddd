"""The audit trail as a Merkle tree: places, leaves, checkpoints."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import sqlalchemy as sa

from mlmcsc.domain.audit.checkpoint import Checkpoint, note_text
from mlmcsc.domain.audit.commitments import timestamp_text
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.errors import IntegrityError
from mlmcsc.store.models import audit_checkpoints, audit_logs
from mlmcsc.store.queries import rows
from mlmcsc.store.queries.rows import View
from mlmcsc.store.schema import read_setting
from mlmcsc.store.uow import Transaction

INTEGRATOR_LOCK: Final = 0x6D6C6D61
"""'mlma': PostgreSQL's advisory lock of whoever gives places."""
LEAVES_PER_FETCH: Final = 50_000
TIME_BYTES: Final = len("2026-11-23 15:00:00.123456")

_ORIGIN: Final = re.compile("mlmcsc/[0-9a-f]{32}")

_c = audit_logs.c

# Only events with a leaf: one without was not written by mlmcsc, and `audit verify` tells of it.
_GIVE_PLACES = """
    UPDATE audit_logs SET seq = given.place FROM (
        SELECT id, ? + row_number() OVER (ORDER BY id) - 1 AS place
        FROM audit_logs WHERE seq IS NULL AND leaf IS NOT NULL
    ) AS given
    WHERE audit_logs.id = given.id
"""


def origin(view: View) -> str:
    """How checkpoints name this database."""
    return f"mlmcsc/{read_setting(view.conn, 'database_id')}"


def own_key(view: View) -> str:
    """The public key that the database stores, hex; empty where it is damaged or missing."""
    try:
        return view.vault.public_key(view).hex()
    except IntegrityError:
        return ""


def damaged_keys(view: View) -> Iterator[str]:
    """What is wrong with the facts by which this database signs, in words."""
    checks: tuple[Callable[[View], object], ...] = (
        view.vault.public_key,
        view.vault.signing_key,
    )
    for check in checks:
        try:
            check(view)
        except IntegrityError as error:
            yield f"key material is damaged: {error}"
    if not _ORIGIN.fullmatch(origin(view)):
        yield "the row 'database_id' of the table `settings` is damaged: it is no id"


def give_places(tx: Transaction) -> int:
    """Give every committed event without a place the next ones, by id; the size of the tree.

    PostgreSQL's ids become visible out of order, so a place is given only to what is there.
    """
    _alone(tx)
    tx.dialect.execute(tx.conn, _GIVE_PLACES, (size(tx),))
    return size(tx)


def _alone(tx: Transaction) -> None:
    """Wait for others who give places or sign; SQLite's writers are alone anyway."""
    if tx.dialect.name == "postgresql":
        tx.conn.execute(sa.select(sa.func.pg_advisory_xact_lock(INTEGRATOR_LOCK)))


def size(view: View) -> int:
    """How many places are given."""
    query = sa.select(sa.func.max(_c.seq) + 1).where(_c.seq.is_not(None))  # by the partial index
    return int(view.conn.scalar(query) or 0)


def count(view: View) -> int:
    """All events, placed or not."""
    return int(view.conn.scalar(sa.select(sa.func.count()).select_from(audit_logs)) or 0)


def nothing_new(view: View) -> bool:
    """Whether the only events without a place are those of checkpoints.

    Else every checkpoint would call for the next one.
    """
    query = sa.select(_c.id).where(
        _c.seq.is_(None), _c.leaf.is_not(None), _c.operation != Operation.CHECKPOINT.value
    )
    return view.conn.execute(query.limit(1)).first() is None


def leaves(view: View, end: int) -> Iterator[Sequence[bytes]]:
    """The leaves of places 0 to `end` - 1 in order, in pieces."""
    query = sa.select(_c.leaf).where(_c.seq >= 0, _c.seq < end).order_by(_c.seq)
    streamed = view.conn.execute(query, execution_options={"yield_per": LEAVES_PER_FETCH})
    for part in streamed.scalars().partitions(LEAVES_PER_FETCH):
        yield [leaf if isinstance(leaf, bytes) else b"" for leaf in part]


def place_of(view: View, event_id: int) -> tuple[int | None, bytes | None] | None:
    """An event's place and leaf; None when there is no such event."""
    row = view.conn.execute(sa.select(_c.seq, _c.leaf).where(_c.id == event_id)).first()
    return None if row is None else (row.seq, row.leaf)


def checkpoints(view: View) -> list[Checkpoint]:
    """All stored checkpoints as notes, smallest first.

    What somebody wrote past mlmcsc comes back as far as text can tell it; no signature will fit.
    """
    named, public = origin(view), own_key(view)
    return [
        Checkpoint(
            origin=named,
            tree_size=tree_size,
            root_hash=_hex(root_hash),
            timestamp=str(moment),
            key_id=str(key_id),
            public_key=public,
            signature=_hex(signature),
        )
        for tree_size, root_hash, key_id, signature, moment in view.dialect.execute(
            view.conn, _CHECKPOINTS.format(time=time_text(view, "created_at")), ()
        )
    ]


_CHECKPOINTS = (
    "SELECT tree_size, root_hash, key_id, signature, {time} FROM audit_checkpoints "
    "ORDER BY tree_size"
)


def _hex(stored: Any) -> str:
    return bytes(stored).hex() if isinstance(stored, bytes | memoryview) else ""


def add_checkpoint(tx: Transaction, tree_size: int, root: bytes) -> Checkpoint:
    """Sign and store a checkpoint, or return the one that this size has already.

    Raises:
        MissingKeyError: The master key that guards the signing key is not here.
        IntegrityError: This size has a checkpoint with another root.
    """
    _alone(tx)
    for known in checkpoints(tx):
        if known.tree_size == tree_size:
            if known.root_hash != root.hex():
                raise IntegrityError(
                    f"There is a checkpoint of {tree_size} events with another root: the trail was "
                    "changed. Nothing was signed; run `audit verify`."
                )
            return known
    moment = timestamp_text(tx.now)
    named = origin(tx)
    text = note_text(named, tree_size, root.hex(), moment)
    key_id, public, signature = tx.vault.sign(tx, text.encode())
    row = {
        "created_at": tx.now,
        "tree_size": tree_size,
        "root_hash": root,
        "key_id": key_id,
        "signature": signature,
    }
    row_id = rows.insert(tx, audit_checkpoints, row)
    told = {"tree_size": tree_size, "root_hash": root.hex(), "key_id": key_id}
    tx.record(AuditEvent(Operation.CHECKPOINT, audit_checkpoints.name, row_id, new_values=told))
    return Checkpoint(named, tree_size, root.hex(), moment, key_id, public.hex(), signature.hex())


def time_text(view: View, column: str) -> str:
    """SQL for a time as RFC 3339 text with six decimals; anything that is no time fits nothing."""
    if view.dialect.name == "postgresql":
        return f"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    # Only a space gives way: a `T` that somebody put there must not pass for this one. `substr`
    # ends at a NUL character, so what is behind one must not pass either.
    day, clock = f"substr({column}, 1, 10)", f"substr({column}, 12)"
    sound = f"substr({column}, 11, 1) = ' ' AND length(CAST({column} AS BLOB)) = {TIME_BYTES}"
    return f"CASE WHEN {sound} THEN {day} || 'T' || {clock} || 'Z' END"
