"""Every redaction must be one that the trail tells of."""

from __future__ import annotations

import orjson
import pytest

from mlmcsc.domain.audit.trail_check import TrailCheck

NO_WHO = {
    "user_id": "p1",
    "reason": None,
    "ip_address": None,
    "user_agent": None,
    "who_salt": None,
}
NO_PAYLOAD = {"old_values": None, "new_values": None, "payload_salt": None}


@pytest.fixture
def told(committed):
    """Make a REDACT event."""

    def make(seq, n_rows, **values):
        return committed(
            seq,
            event_id=seq + 1,
            operation="REDACT",
            table_name="audit_logs",
            record_id=None,
            n_rows=n_rows,
            new=orjson.dumps(values).decode(),
        )

    return make


@pytest.fixture
def event(committed):
    """Make an event, and change it."""
    return lambda seq, **change: committed(seq, event_id=seq + 1)._replace(**change)


def findings(*rows):
    check = TrailCheck([])
    check.placed([tuple(row) for row in rows])
    check.finish()
    return [finding.what for finding in check.findings]


def test_a_redacted_person_is_told_by_their_subject_id(event, told):
    rows = [event(0, **NO_WHO), event(1), event(2, **NO_WHO)]

    assert findings(*rows, told(3, 2, part="who", subject_id="p1")) == []


def test_redacted_payloads_are_told_by_id_ranges(event, told):
    rows = [event(0, **NO_PAYLOAD), event(1), event(2, **NO_PAYLOAD)]

    assert findings(*rows, told(3, 2, part="payload", id_ranges=[[1, 1], [3, 3]])) == []


@pytest.mark.parametrize(
    "told_of",
    [
        {"part": "payload", "id_ranges": [[1, 1]]},
        {"part": "who", "id_ranges": [[2, 9]]},
        {"part": "who", "subject_id": "p2"},
        {"part": "who"},
    ],
)
def test_a_redaction_that_no_event_tells_of_is_found(event, told, told_of):
    assert any(
        "no REDACT event tells of it" in w
        for w in findings(event(0, **NO_WHO), told(1, 1, **told_of))
    )


def test_an_event_after_the_redaction_is_not_covered_by_it(event, told):
    found = findings(told(0, 1, part="who", subject_id="p1"), event(1, **NO_WHO))

    assert "no REDACT event tells of it" in found[0]


def test_more_redacted_than_told_is_found(event, told):
    rows = [event(0, **NO_WHO), event(1, **NO_WHO), told(2, 1, part="who", subject_id="p1")]

    assert findings(*rows) == ["REDACT events tell of 1 redacted who parts, but 2 are"]


def test_fewer_redacted_than_told_is_found(event, told):
    assert findings(event(0), told(1, 1, part="who", subject_id="p1")) == [
        "REDACT events tell of 1 redacted who parts, but 0 are"
    ]


@pytest.mark.parametrize(
    "replaced",
    [
        NO_WHO | {"user_id": "eve"},
        NO_WHO | {"reason": "said so"},
        NO_PAYLOAD | {"new_values": "{}"},
    ],
)
def test_a_part_that_was_replaced_is_not_redacted(event, told, replaced):
    who = "payload_salt" not in replaced
    tell = told(1, 1, part="who" if who else "payload", id_ranges=[[1, 1]])

    assert any("replaced, not redacted" in what for what in findings(event(0, **replaced), tell))


def test_a_redact_event_without_payload_tells_nothing(event, told):
    tell = told(1, 1, part="who", subject_id="p1")._replace(**NO_PAYLOAD)

    assert any("does not tell what it redacted" in w for w in findings(event(0, **NO_WHO), tell))
