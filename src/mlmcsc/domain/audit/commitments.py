"""What an audit event commits to, format 1.

Three SHA-256 hashes (FIPS 180-4), so that the personal part and the payload can each be erased with
its salt while the leaf, and every proof made of it, stays:

* `who_commit = H(who_salt ‖ J([user_id, reason, ip_address, user_agent]))`
* `payload_commit = H(payload_salt ‖ old ‖ LF ‖ new)`, with the stored JSON texts, or `null`
* `leaf = H(0x00 ‖ J(["mlmcsc-audit-1", id, …, digest]) ‖ who_commit ‖ payload_commit)`

J is compact JSON in UTF-8 without ASCII escapes; the 0x00 is RFC 6962's mark of a leaf. A change of
anything here would break every proof ever given: a new format needs a new name.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import orjson

FORMAT: Final = "mlmcsc-audit-1"
SALT_BYTES: Final = 16
LEAF_MARK: Final = b"\x00"


def who_commit(
    salt: bytes, user_id: str, reason: str | None, ip: str | None, user_agent: str | None
) -> bytes:
    """Commit to the personal part of an event, 32 bytes."""
    return hashlib.sha256(salt + orjson.dumps((user_id, reason, ip, user_agent))).digest()


def payload_commit(salt: bytes, old: str | None, new: str | None) -> bytes:
    """Commit to the JSON texts of the values before and after, 32 bytes."""
    text = f"{'null' if old is None else old}\n{'null' if new is None else new}"
    return hashlib.sha256(salt + text.encode()).digest()


def leaf(
    event_id: int,
    operation: str,
    table: str,
    record_id: int | None,
    subject_id: str | None,
    timestamp: str,
    n_rows: int,
    digest: str | None,
    who: bytes,
    payload: bytes,
) -> bytes:
    """The event's leaf in the Merkle tree, 32 bytes.

    Args:
        event_id: The event's id.
        operation: What was done.
        table: The table it was done to.
        record_id: The row, for a single change.
        subject_id: Who did it, by random id.
        timestamp: As `timestamp_text` writes it.
        n_rows: Number of rows touched.
        digest: SHA-256 (hex) of a batch's rows.
        who: The personal part's commitment.
        payload: The payload's commitment.
    """
    fields = (
        FORMAT,
        event_id,
        operation,
        table,
        record_id,
        subject_id,
        timestamp,
        n_rows,
        digest,
    )
    return hashlib.sha256(LEAF_MARK + orjson.dumps(fields) + who + payload).digest()


@lru_cache(maxsize=64)
def timestamp_text(moment: datetime) -> str:
    """RFC 3339 in UTC with six decimals and `Z`."""
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='microseconds')}Z"


def payload_text(values: Any) -> str | None:
    """The JSON text that is stored and committed to."""
    return None if values is None else orjson.dumps(values).decode()
