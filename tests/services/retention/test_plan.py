"""What is due, and what holds it."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlmcsc.domain.permissions import Actor, Permission
from mlmcsc.domain.retention import TYPES, inactive
from mlmcsc.errors import PermissionDeniedError, ValidationError
from mlmcsc.store.models import metadata
from mlmcsc.store.queries.retention.batches import inactive_technicians


def test_an_empty_database_has_nothing_to_do(db, now):
    plan = db.retention.plan()
    assert plan.made_at == now
    assert [line.type for line in plan.types] == list(TYPES)
    assert plan.to_do == 0
    assert all(line.oldest is None for line in plan.types)


def test_labels_are_due_when_their_period_is_over(lab, line, ago):
    labels = line("labels")
    assert (labels.due, labels.held, labels.to_do) == (3, 0, 3)
    assert (labels.days, labels.cutoff, labels.oldest) == (1095, ago(1095), ago(1200))


def test_a_row_exactly_as_old_as_its_period_is_not_due(lab, line, insert, ago):
    insert("system_metrics", metric_name="cpu", metric_value=1.0, timestamp=ago(90))
    assert line("metrics").due == 0


def test_an_image_waits_for_its_younger_labels(lab, line):
    images = line("images")
    assert (images.due, images.to_do) == (6, 5)
    assert images.held_by == {"image has labels to be kept": 1}


def test_an_image_waits_for_its_younger_predictions(lab, line, ago):
    lab.store_prediction(3, 1, 0.5, 0.9, timestamp=ago(10))
    lab.store_prediction(6, 1, 0.5, 0.9, timestamp=ago(790))
    assert line("images").held_by["image has predictions to be kept"] == 1
    assert line("predictions").due == 1


def test_an_image_alone_waits_for_all_its_labels(lab, line):
    images = line("images", only=["images"])
    assert images.held_by == {"image has labels to be kept": 4}
    assert images.to_do == 2


def test_a_hold_on_a_person_holds_their_labels_and_the_images(lab, line, hold):
    hold(person="tech_001")
    labels, images = line("labels"), line("images")
    assert (labels.due, labels.to_do) == (3, 1)
    assert labels.held_by == {"legal hold on a person": 2}
    assert images.held_by == {"legal hold on a person": 3}


def test_a_hold_on_a_specimen_holds_its_images_and_their_labels(lab, line, hold, ago):
    lab.store_prediction(6, 1, 0.5, 0.9, timestamp=ago(790))
    hold(specimen="S2")
    assert line("labels").held_by == {"legal hold on a specimen": 2}
    assert line("predictions").held_by == {"legal hold on a specimen": 1}
    assert line("images").held_by == {
        "legal hold on a specimen": 3,
        "image has labels to be kept": 1,
    }


def test_restricted_data_are_kept_as_well(lab, line, hold):
    hold(person="tech_002", kind="restrict")
    assert line("labels").held_by == {"restriction of processing": 1}
    assert line("images").held_by == {"image has labels to be kept": 2}


def test_a_released_hold_holds_nothing(lab, line, hold, now):
    hold(person="tech_001", released_at=now)
    hold(specimen="S2", released_at=now)
    assert line("labels").held == 0


def test_what_several_causes_hold_is_counted_once(lab, line, hold):
    hold(person="tech_001")
    hold(person="tech_002")
    hold(specimen="S2")
    labels = line("labels")
    assert labels.held_by == {"legal hold on a specimen": 2, "legal hold on a person": 1}
    assert labels.to_do == 0


def account(insert, username, technician=None):
    return insert("accounts", username=username, role="labeller", technician_id=technician)


def hashed(token):
    return {"token_hash": token}


def test_the_other_data_types_are_due_by_their_own_moments(lab, line, insert, ago, person_of, now):
    who = account(insert, "jo", 1)
    session = {"account_id": who, "last_seen": now}
    insert("sessions", **hashed("a"), expires_at=ago(31), **session)
    insert("sessions", **hashed("b"), expires_at=ago(-9), revoked_at=ago(31), **session)
    insert("sessions", **hashed("c"), expires_at=ago(29), **session)
    token = {"account_id": who, "name": "ci", "prefix": "m", "scopes": []}
    insert("api_tokens", **hashed("a"), expires_at=ago(31), **token)
    insert("api_tokens", **hashed("b"), **token)  # it never runs out
    for days in (91, 89):
        insert("login_attempts", username="jo", timestamp=ago(days), succeeded=False)
        insert("system_metrics", metric_name="cpu", metric_value=1.0, timestamp=ago(days))
    asked = {"subject_id": person_of("jo"), "received_at": ago(1200), "due_at": ago(1170)}
    insert("privacy_requests", kind="access", closed_at=ago(1100), state="done", **asked)
    insert("privacy_requests", kind="access", **asked)  # unanswered
    alert = {"rule": "disk", "fingerprint": "f", "severity": "high", "message": "full"}
    insert("alerts", opened_at=ago(400), resolved_at=ago(366), state="resolved", **alert)
    insert("alerts", opened_at=ago(400), **alert)
    run = {"job": "backup", "host": "h", "pid": 1, "fencing_token": 1, "started_at": ago(370)}
    insert("job_runs", slot=ago(370), ended_at=ago(370), **run)
    insert("job_runs", slot=ago(369), **run)
    due = {name: line(name).due for name in TYPES}
    assert due.pop("sessions") == 2
    assert {name for name, count in due.items() if count == 1} == {
        "metrics", "login_attempts", "api_tokens", "alerts", "job_runs", "privacy_requests"
    }  # fmt: skip


def test_a_held_person_s_sessions_and_requests_stay(lab, line, insert, ago, hold, person_of, now):
    hold(person="tech_001")
    hold(person="kim", kind="restrict")
    for name, technician in (("jo", 1), ("kim", None), ("lee", None)):
        insert(
            "sessions",
            account_id=account(insert, name, technician),
            token_hash=name,
            last_seen=now,
            expires_at=ago(31),
        )
        insert("login_attempts", username=name, timestamp=ago(91), succeeded=True)
    for name in ("tech_001", "kim", "lee"):
        asked = {"subject_id": person_of(name), "received_at": ago(1200), "due_at": ago(1170)}
        insert("privacy_requests", kind="access", closed_at=ago(1100), state="done", **asked)
    both = {"legal hold on a person": 1, "restriction of processing": 1}
    assert line("sessions").held_by == both
    assert line("privacy_requests").held_by == both
    assert line("login_attempts").held_by == both


def test_released_holds_stay_while_another_is_in_force(lab, line, hold, ago):
    hold(person="tech_001", released_at=ago(1100))
    hold(person="tech_001")
    hold(specimen="S1", released_at=ago(1100))
    hold(specimen="S2", released_at=ago(1100))
    hold(specimen="S2")
    found = line("privacy_holds")
    assert (found.due, found.to_do) == (3, 1)


def test_inactive_technicians_are_due_unless_held_or_anonymous(lab, line, sql, ago, hold, now):
    assert line("technicians").due == 0
    sql("UPDATE technicians SET last_active = :t", t=f"{ago(366):%Y-%m-%d %H:%M:%S+00}"[:19])
    assert line("technicians").to_do == 2
    hold(person="tech_002")
    assert line("technicians").held_by == {"legal hold on a person": 1}
    sql("UPDATE subjects SET erased_at = '2026-01-01 00:00:00' WHERE identifier = 'tech_001'")
    found = line("technicians")
    assert (found.due, found.to_do) == (1, 0)


ages = st.none() | st.integers(0, 800)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(people=st.lists(st.tuples(ages, st.integers(0, 800)), max_size=8))
def test_the_query_finds_whom_the_rule_finds(db, ago, people):
    table = metadata.tables["technicians"]
    with db._database.store._writer.begin() as conn:
        conn.execute(table.delete())
        moments = [(None if last is None else ago(last), ago(made)) for last, made in people]
        ids = [
            conn.execute(
                table.insert().values(
                    technician_id=f"t{n}", name="x", last_active=last, created_at=made
                )
            ).inserted_primary_key[0]
            for n, (last, made) in enumerate(moments)
        ]
    wanted = [i for i, who in zip(ids, moments, strict=True) if inactive(*who, ago(365))]
    with db._database.store.read() as view:
        assert inactive_technicians(view, ago(365)) == wanted


def test_a_plan_changes_nothing(lab, nothing_written):
    with nothing_written():
        lab.retention.plan()


def test_planning_and_applying_need_the_right_to(lab, nothing_written):
    reader = lab.acting_as(Actor("reader", frozenset({Permission.READ})))
    with nothing_written():
        for call in (reader.retention.plan, reader.retention.apply):
            with pytest.raises(PermissionDeniedError, match="'retain'"):
                call()


def test_the_right_to_apply_periods_opens_no_personal_text(lab):
    keeper = lab.acting_as(Actor("keeper", frozenset({Permission.READ, Permission.RETAIN})))
    assert keeper.retention.plan().types
    assert keeper.retention.apply().rows > 0
    for call in (keeper.privacy_report.generate, lambda: keeper.export_user_data("tech_001")):
        with pytest.raises(PermissionDeniedError, match="'privacy'"):
            call()


def test_an_unknown_data_type_is_refused_before_anything_is_done(lab, refuses):
    refuses(ValidationError, "no data type", lab.retention.apply, ["labels", "nonsense"])
