"""Versions that are made without being asked for, on a real database of each kind."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mlmcsc import DatabaseManager
from mlmcsc.config import load_config
from mlmcsc.domain.permissions import Permission
from mlmcsc.errors import PermissionDeniedError

pytestmark = pytest.mark.sqlite_tells

LONG_AGO = datetime(2010, 1, 1, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path):
    folder = str(tmp_path / "versions")
    versioning = {"auto_new_labels": 3, "directory": folder, "name_pattern": "auto-{n}"}
    return load_config(overrides={"versioning": versioning})


@pytest.fixture
def db(url, settings, draw):
    """Three images, each of them labelled."""
    with DatabaseManager(url, config=settings) as manager:
        images = [manager.store_image(draw(f"{n}.png", seed=n), specimen_id="S") for n in range(3)]
        who = manager.register_technician("t1", "Ada")
        for image in images:
            manager.store_label(image, who, 0.5, timestamp=LONG_AGO)
        yield manager


def test_the_first_version_is_made_of_all_labels_whenever_they_were_made(db):
    made = db.automatic_versions.create_due().made
    assert (made.version, made.total_images) == ("auto-1", 3)
    assert made.description == "Automatic: 3 label changes"


def test_right_after_a_version_none_is_due_and_what_is_missing_is_told(db):
    db.automatic_versions.create_due()
    again = db.automatic_versions.create_due()
    assert again.made is None
    assert again.due.labels_missing == 3
    assert again.due.since == "auto-1"


def test_new_corrected_and_verified_labels_count_towards_the_next(db):
    db.create_data_version("v1")
    label = db.store_label(1, 1, 0.25, timestamp=LONG_AGO)
    db.update_label(label, label=0.75, reason="misread")
    assert not db.automatic_versions.due().due
    db.verify_label(label, "chief")
    found = db.automatic_versions.create_due()
    assert found.due.reason == "3 label changes since v1"
    assert found.made.version == "auto-1"


def test_a_dry_run_tells_and_makes_nothing(db):
    found = db.automatic_versions.create_due(dry_run=True)
    assert found.due.due
    assert found.made is None
    assert len(db.get_data_versions().items) == 0


def test_a_schedule_makes_the_next_once_it_has_come_round(db):
    db.create_data_version("v1")
    db.store_label(1, 1, 0.25)
    rules = replace(db.automatic_versions.rules, new_labels=None, schedule="hourly")
    hourly = replace(db.automatic_versions, rules=rules)
    in_an_hour = datetime.now(UTC) + timedelta(hours=1)
    assert hourly.due(in_an_hour).due
    waiting = hourly.due(hourly.due().next_at - timedelta(minutes=30))
    assert not waiting.due
    assert waiting.hours_missing == 0.5


def test_several_at_once_make_one_version(db, url, settings):
    def look(_number):
        with DatabaseManager(url, config=settings) as own:
            return own.automatic_versions.create_due().made

    with ThreadPoolExecutor(4) as pool:
        made = [each for each in pool.map(look, range(4)) if each is not None]
    assert [each.version for each in made] == ["auto-1"]
    assert [each.version for each in db.get_data_versions().items] == ["auto-1"]


def test_who_may_only_read_may_look_but_make_none(db):
    reader = db.acting_as(replace(db.actor, permissions=frozenset({Permission.READ})))
    assert reader.automatic_versions.due().due
    with pytest.raises(PermissionDeniedError, match="train"):
        reader.automatic_versions.create_due()
