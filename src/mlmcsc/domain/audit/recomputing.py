"""Recomputing what each stored event commits to: the inner loop of a verification.

A million events are looked at in four seconds because this one function does nothing but hash. It
spells out the formulas of `commitments`; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any, Final, NamedTuple

import orjson

from mlmcsc.domain.audit.commitments import FORMAT, SALT_BYTES


class StoredEvent(NamedTuple):
    """One row as the database holds it; whoever changed it may have put anything anywhere."""

    seq: Any
    id: Any
    operation: Any
    table_name: Any
    record_id: Any
    subject_id: Any
    timestamp: Any
    """RFC 3339 text."""
    n_rows: Any
    digest: Any
    user_id: Any
    reason: Any
    ip_address: Any
    user_agent: Any
    old_values: Any
    """JSON text."""
    new_values: Any
    who_salt: Any
    payload_salt: Any
    who_commit: Any
    payload_commit: Any
    leaf: Any


Row = tuple[Any, ...]
"""The values of a `StoredEvent`, in its order, as the driver gives them."""

NOT_OURS: Final = (TypeError, AttributeError, ValueError)
"""What hashing raises for a value of a kind that mlmcsc never writes."""


_SALT: Final = "a salt of another length: bytes of the text could have been moved into it"

_ELSEWHERE: Final = (
    "id, operation, table_name, record_id, subject_id, timestamp, n_rows, digest or a commitment "
    "was changed"
)


def recomputed_leaves(rows: Iterable[Row]) -> list[bytes | None]:
    """Each event's leaf, made from its values; None where a stored commitment says otherwise.

    A redacted part is taken at its commitment's word.
    """
    hashed, dumps = sha256, orjson.dumps
    leaves: list[bytes | None] = []
    # fmt: off
    for (
        _, event_id, operation, table, record, subject, timestamp, n_rows, digest,
        user, reason, ip, agent, old, new,
        who_salt, payload_salt, who_commit, payload_commit, leaf,
    ) in rows:
        # fmt: on
        who, payload = who_commit, payload_commit
        try:
            if who_salt is not None:
                if len(who_salt) != SALT_BYTES:
                    raise ValueError(_SALT)
                who = hashed(who_salt + dumps((user, reason, ip, agent))).digest()
            if payload_salt is not None:
                if len(payload_salt) != SALT_BYTES:
                    raise ValueError(_SALT)
                before = b"null" if old is None else old.encode()
                after = b"null" if new is None else new.encode()
                payload = hashed(b"%b%b\n%b" % (payload_salt, before, after)).digest()
            fields = dumps(
                (FORMAT, event_id, operation, table, record, subject, timestamp, n_rows, digest)
            )
            found = hashed(b"\x00" + fields + who + payload).digest()
        except NOT_OURS:
            leaves.append(None)
            continue
        sound = found == leaf and who == who_commit and payload == payload_commit
        leaves.append(found if sound else None)
    return leaves


def differences(rows: Iterable[Row]) -> list[tuple[Row, list[str]]]:
    """The events that are not what was committed to, and why, in words."""
    rows = list(rows)
    leaves = recomputed_leaves(rows)
    return [
        (row, what_is_wrong(row)) for row, leaf in zip(rows, leaves, strict=True) if leaf is None
    ]


def what_is_wrong(row: Row) -> list[str]:
    """Why `recomputed_leaves` found None, in words."""
    event = StoredEvent(*row)
    if event.leaf is None:
        return ["it has no commitments: it was not written by mlmcsc"]
    found = []
    if event.who_salt is not None and not _who_holds(event):
        found.append("user_id, reason, ip_address, user_agent or their commitment was changed")
    if event.payload_salt is not None and not _payload_holds(event):
        found.append("old_values, new_values or their commitment was changed")
    return found or [_ELSEWHERE]


def _who_holds(event: StoredEvent) -> bool:
    values = (event.user_id, event.reason, event.ip_address, event.user_agent)
    try:
        found = sha256(event.who_salt + orjson.dumps(values)).digest()
        return bool(found == event.who_commit and len(event.who_salt) == SALT_BYTES)
    except NOT_OURS:
        return False


def _payload_holds(event: StoredEvent) -> bool:
    texts = ("null" if t is None else t for t in (event.old_values, event.new_values))
    try:
        joined = "\n".join(texts).encode()
        found = sha256(event.payload_salt + joined).digest()
        return bool(found == event.payload_commit and len(event.payload_salt) == SALT_BYTES)
    except NOT_OURS:
        return False
