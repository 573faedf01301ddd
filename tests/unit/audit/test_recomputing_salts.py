"""A salt has one length: otherwise bytes of a text could be moved into it unseen."""

from __future__ import annotations

from mlmcsc.domain.audit.commitments import leaf, payload_commit, who_commit
from mlmcsc.domain.audit.recomputing import recomputed_leaves, what_is_wrong

SALT = b"s" * 16
TIME = "2026-11-23T15:00:00.000000Z"


def event(who_salt=SALT, payload_salt=SALT, old='{"label":0.8}', user="al"):
    who = who_commit(SALT, "al", None, None, None)
    payload = payload_commit(SALT, '{"label":0.8}', '{"label":0.84}')
    fields = (1, "UPDATE", "labels", 7, "p1", TIME, 1, None)
    made = leaf(*fields, who, payload)
    return (
        0, 1, "UPDATE", "labels", 7, "p1", TIME, 1, None, user, None, None, None,
        old, '{"label":0.84}', who_salt, payload_salt, who, payload, made,
    )  # fmt: skip


def test_an_honest_event_is_recomputed():
    assert recomputed_leaves([event()]) == [event()[-1]]


def test_an_old_value_moved_into_the_salt_is_found():
    forged = event(payload_salt=SALT + b'{"label":0.8}', old="")
    assert recomputed_leaves([forged]) == [None]
    assert what_is_wrong(forged)[0].startswith("old_values")


def test_a_longer_who_salt_is_found():
    forged = event(who_salt=SALT + b"[")
    assert recomputed_leaves([forged]) == [None]
    assert what_is_wrong(forged)[0].startswith("user_id")
