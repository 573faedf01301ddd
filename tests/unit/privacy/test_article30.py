from __future__ import annotations

import json

import pytest

from mlmcsc.domain.privacy.article30 import TO_BE_FILLED_IN, processing_record
from mlmcsc.domain.privacy.article30_text import to_markdown
from mlmcsc.domain.privacy.places import personal_places, sealed_places
from mlmcsc.errors import ValidationError


def test_every_personal_column_stands_in_exactly_one_activity(periods):
    record = processing_record(periods)
    places = [f"{f.table}.{f.column}" for a in record.activities for f in a.fields]
    assert len(places) == len(set(places))
    assert set(places) == personal_places()


def test_each_activity_tells_what_article_30_asks_for(periods):
    for activity in processing_record(periods).activities:
        assert activity.purpose
        assert activity.legal_basis
        assert activity.subjects
        assert activity.categories
        assert activity.recipients
        assert len(activity.time_limits) >= len(activity.categories)


def test_time_limits_are_those_of_the_configuration(periods):
    record = processing_record(periods | {"audit": 2555})
    limits = {f"{f.table}.{f.column}": f.time_limit for a in record.activities for f in a.fields}
    assert limits["audit_logs.user_id"] == (
        "2555 days after the event (retention.audit_retention_days)"
    )
    assert limits["accounts.username"] == "while the record lives"


def test_a_period_that_is_not_configured_is_an_error(periods):
    del periods["audit"]
    with pytest.raises(ValidationError, match=r"retention\.audit_retention_days"):
        processing_record(periods)


def test_the_controller_is_named_or_left_to_be_filled_in(periods):
    unnamed = processing_record(periods)
    named = processing_record(periods, "Steel Lab, Linz", "dpo@steel.example")
    assert (unnamed.controller, unnamed.officer) == (TO_BE_FILLED_IN, TO_BE_FILLED_IN)
    assert (named.controller, named.officer) == ("Steel Lab, Linz", "dpo@steel.example")


def test_security_measures_say_how_data_are_encrypted_and_watched(periods):
    measures = " ".join(processing_record(periods).measures)
    for word in ("AES-256-GCM", "master key", "Ed25519", "append-only", "retention"):
        assert word in measures


def test_the_record_goes_into_json(periods):
    record = processing_record(periods)
    document = json.loads(json.dumps(record.to_dict()))
    assert len(document["activities"]) == len(record.activities)
    field = document["activities"][0]["fields"][0]
    assert field["table"] == record.activities[0].fields[0].table


def test_the_page_shows_every_column_once_in_well_formed_tables(periods):
    page = to_markdown(processing_record(periods))
    cells = [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in page.splitlines()
        if line.startswith("| `")
    ]
    assert {len(row) for row in cells} == {7}
    shown = [
        (f"{row[0]}.{name}".replace("`", ""), row[5])
        for row in cells
        for name in row[1].split(", ")
    ]
    assert len(shown) == len(dict(shown))
    assert dict(shown).keys() == personal_places()
    assert {place for place, sealed in shown if sealed == "yes"} == sealed_places()


def test_the_page_names_the_ground_of_each_erasure(periods):
    record = processing_record(periods, "Steel Lab", "dpo@steel.example")
    page = to_markdown(record)
    grounds = {field.ground for activity in record.activities for field in activity.fields}
    assert all(page.count(ground) >= 1 for ground in grounds)
    assert f"{len(grounds)}. GDPR Art. 17" in page
    assert "**Controller** (a): Steel Lab" in page
    assert page.endswith("\n")
