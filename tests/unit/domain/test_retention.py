"""Periods, cut-offs, and what a plan says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmcsc.config import RetentionSection
from mlmcsc.domain.retention import (
    TYPES,
    Action,
    Cause,
    Due,
    chosen,
    cutoff,
    inactive,
    planned,
)
from mlmcsc.errors import ValidationError
from mlmcsc.services.retention import periods

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_a_cut_off_lies_whole_days_back():
    assert cutoff(NOW, 365) == datetime(2025, 11, 23, 12, tzinfo=UTC)
    assert cutoff(NOW, None) is None


@pytest.mark.parametrize("name", TYPES)
def test_every_data_type_has_a_setting_that_is_its_period(name):
    setting = TYPES[name].setting
    assert periods(RetentionSection(**{setting: 17}))[name] == 17


def test_every_period_is_of_a_data_type():
    assert list(periods(RetentionSection())) == list(TYPES)


def test_without_anonymisation_nobody_is_due():
    assert periods(RetentionSection(anonymization_enabled=False))["technicians"] is None


def test_images_come_after_what_refers_to_them():
    order = list(TYPES)
    assert order.index("images") > max(order.index("labels"), order.index("predictions"))


def test_a_choice_keeps_the_order_of_application():
    assert [kind.name for kind in chosen(["images", "labels"])] == ["labels", "images"]
    assert [kind.name for kind in chosen([])] == list(TYPES)


def test_an_unknown_data_type_is_refused_with_those_there_are():
    with pytest.raises(ValidationError, match=r"'image': no data type .* images, archived"):
        chosen(["image"])


def test_what_is_held_is_due_but_not_to_do():
    due = Due(10, {Cause.PERSON: 3, Cause.SPECIMEN: 2}, NOW)
    line = planned(TYPES["labels"], 1095, NOW, due)
    assert (line.due, line.held, line.to_do) == (10, 5, 5)
    assert line.held_by == {"legal hold on a person": 3, "legal hold on a specimen": 2}
    assert line.setting == "retention.label_retention_days"


def test_the_audit_trail_is_redacted_and_never_deleted():
    assert TYPES["audit"].action is Action.REDACT
    assert "proof" in TYPES["audit"].effect


moments = st.datetimes(timezones=st.just(UTC))


@given(moments, st.none() | moments, moments)
def test_who_was_active_since_the_cut_off_is_never_inactive(created, last, before):
    last_sign = last or created
    assert inactive(last, created, before) == (last_sign < before)
    assert not inactive(before, created, before)


@given(st.integers(1, 36_500))
def test_a_longer_period_never_makes_more_due(days):
    assert cutoff(NOW, days) - cutoff(NOW, days + 1) == timedelta(days=1)
