"""Events as mlmcsc stores them, made without a database."""

from __future__ import annotations

import pytest

from mlmcsc.domain.audit import commitments
from mlmcsc.domain.audit.recomputing import StoredEvent


def make_event(seq=0, event_id=1, user="jo", old=None, new='{"a":1}', **fields):
    """An event as mlmcsc stores it."""
    values = {"operation": "CREATE", "table_name": "labels", "record_id": 7, "subject_id": "p1"}
    values |= {"timestamp": "2026-11-23T15:00:00.123456Z", "n_rows": 1, "digest": None}
    who = {"reason": None, "ip_address": None, "user_agent": None}
    values |= {k: v for k, v in fields.items() if k in values}
    who |= {k: v for k, v in fields.items() if k in who}
    who_commit = commitments.who_commit(b"w" * 16, user, *who.values())
    payload_commit = commitments.payload_commit(b"p" * 16, old, new)
    return StoredEvent(
        seq=seq,
        id=event_id,
        user_id=user,
        old_values=old,
        new_values=new,
        who_salt=b"w" * 16,
        payload_salt=b"p" * 16,
        who_commit=who_commit,
        payload_commit=payload_commit,
        leaf=commitments.leaf(event_id, *values.values(), who_commit, payload_commit),
        **values,
        **who,
    )


@pytest.fixture(scope="session")
def committed():
    """Make one event; keywords set its fields."""
    return make_event


@pytest.fixture(scope="session")
def trail():
    """Make the first `size` events of a trail."""
    return lambda size: [make_event(seq, event_id=seq + 1, record_id=seq) for seq in range(size)]
