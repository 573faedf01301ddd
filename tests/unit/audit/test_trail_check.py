"""One pass over the trail: what is recomputed is what was committed to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmcsc.adapters.evidence.verify_evidence import compact
from mlmcsc.domain.audit.recomputing import StoredEvent, recomputed_leaves, what_is_wrong
from mlmcsc.domain.audit.trail_check import TrailCheck

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
maybe = st.none() | text
number = st.integers(1, 2**63 - 1)


def checked(rows, wanted=()):
    check = TrailCheck(list(wanted))
    check.placed(rows)
    check.finish()
    return check


@given(
    user=text, old=maybe, new=maybe, operation=text, table_name=text, subject_id=maybe,
    record_id=st.none() | number, n_rows=number, digest=maybe, reason=maybe, ip_address=maybe,
)  # fmt: skip
def test_every_event_that_is_written_verifies(committed, **fields):
    event = committed(**fields)

    assert recomputed_leaves([tuple(event)]) == [event.leaf]


@given(st.lists(maybe | number, max_size=6))
def test_the_verifier_writes_json_as_we_do(values):
    import orjson

    assert compact(values) == orjson.dumps(values)


OTHERS = [
    7,
    -1,
    1.5,
    "",
    "x",
    b"x",
    None,
    "2026-11-23T15:00:00.123457Z",
    "null",
    "\udcff",
    b"\0" * 32,
]


@pytest.mark.parametrize("field", StoredEvent._fields)
def test_no_changed_value_of_any_kind_passes(committed, field):
    event = committed(record_id=3, digest="d", reason="r", old="{}")
    redaction = [None] if field in {"who_salt", "payload_salt"} else []  # judged apart
    for value in OTHERS:
        if value == getattr(event, field) or value in redaction:
            continue
        check = checked([tuple(event._replace(**{field: value}))])
        assert check.n_findings > 0, value


def test_an_event_without_commitments_is_told(committed):
    event = committed()._replace(leaf=None, who_commit=None, payload_commit=None)

    assert "not written by mlmcsc" in what_is_wrong(event)[0]


def test_roots_are_found_at_the_sizes_asked_for_whatever_the_pieces(trail):
    rows = trail(50)
    whole = checked(rows, [1, 17, 50, 99])
    pieces = TrailCheck([1, 17, 50, 99])
    for start in range(0, 50, 7):
        pieces.placed(rows[start : start + 7])

    assert whole.roots.keys() == {1, 17, 50}
    assert pieces.roots == whole.roots
    assert pieces.n_findings == whole.n_findings == 0


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([0, 1, 3], "place 2 is missing"),
        ([0, 4], "places 1 to 3 are missing"),
        ([1, 2], "place 0 is missing"),
        ([0, 1, 1, 2], "taken twice"),
    ],
)
def test_places_are_dense(trail, rows, told):
    every = trail(5)

    assert told in checked([every[i] for i in rows]).findings[0].what


def test_ids_of_the_tail_follow_without_gaps(committed, trail):
    check = TrailCheck([])
    check.placed(trail(3))
    check.ids_follow()
    check.unplaced([committed(None, event_id=i) for i in (4, 6, 2)])
    check.ids_end(9)

    assert [f.what for f in check.findings] == [
        "event 5 is missing",
        "it was inserted among earlier events",
        "events 7 to 9 are missing",
    ]


def test_only_a_thousand_findings_are_listed_and_all_are_counted(trail):
    check = checked([event._replace(user_id="x") for event in trail(1500)])

    assert (len(check.findings), check.n_findings) == (1000, 1500)
