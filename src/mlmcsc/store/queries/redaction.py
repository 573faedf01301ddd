"""Redacting audit events: a part is erased, its commitment stays, and a REDACT event tells of it.

See `mlmcsc.domain.audit.redactions` for the rule by which verification holds the two together.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import sqlalchemy as sa

from mlmcsc.domain.audit.redactions import PAYLOAD, WHO, redaction_values
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.store.models import audit_logs
from mlmcsc.store.queries.batches import id_ranges
from mlmcsc.store.uow import Transaction

RANGES_PER_EVENT: Final = 1000
"""A REDACT event that names more is told by several."""

Which = str | sa.ColumnElement[bool]
"""A subject id, for all events of that person so far, or a condition on `audit_logs`."""

_c = audit_logs.c


def redact_who(tx: Transaction, which: Which) -> int:
    """Erase who did it, why, from where and with what; the random subject id stays.

    Args:
        tx: The open transaction.
        which: The events. Those that lost the part already are passed over.

    Returns:
        How many events lost it.
    """
    values = {
        "user_id": _c.subject_id,
        "reason": None,
        "ip_address": None,
        "user_agent": None,
        "who_salt": None,
    }
    return _redact(tx, WHO, which, values, _c.who_salt.is_not(None))


def redact_payload(tx: Transaction, which: Which) -> int:
    """Erase the values before and after.

    REDACT events keep theirs: without it nobody could tell a redaction from a forgery.

    Args:
        tx: The open transaction.
        which: The events. Those that lost the part already are passed over.

    Returns:
        How many events lost it.
    """
    values = {"old_values": None, "new_values": None, "payload_salt": None}
    whole = sa.and_(_c.payload_salt.is_not(None), _c.operation != Operation.REDACT.value)
    return _redact(tx, PAYLOAD, which, values, whole)


def _redact(
    tx: Transaction,
    part: str,
    which: Which,
    values: dict[str, Any],
    whole: sa.ColumnElement[bool],
) -> int:
    condition = _c.subject_id == which if isinstance(which, str) else which
    # Events without commitments were not written by mlmcsc; nothing would be left to prove.
    committed = sa.and_(_c.leaf.is_not(None), _c.subject_id.is_not(None))
    statement = (
        audit_logs.update().where(condition, whole, committed).values(values).returning(_c.id)
    )
    ids = np.sort(np.fromiter(tx.conn.scalars(statement), dtype=np.int64))
    if isinstance(which, str):
        if len(ids):
            _tell(tx, redaction_values(part, subject_id=which), len(ids))
        return len(ids)
    runs = id_ranges(ids) if len(ids) else []
    for start in range(0, len(runs), RANGES_PER_EVENT):
        some = runs[start : start + RANGES_PER_EVENT]
        count = sum(last - first + 1 for first, last in some)
        _tell(tx, redaction_values(part, id_ranges=some), count)
    return len(ids)


def _tell(tx: Transaction, told: dict[str, Any], count: int) -> None:
    tx.record(AuditEvent(Operation.REDACT, audit_logs.name, new_values=told, n_rows=count))
