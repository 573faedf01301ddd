from __future__ import annotations

import pytest

from mlmcsc.domain.privacy.erasure import erasure_plan
from mlmcsc.domain.privacy.places import identifier_places, personal_places, sealed_places
from mlmcsc.domain.privacy.tags import EraseAction
from mlmcsc.errors import ValidationError


def plan(labels):
    return {f"{line.table}.{line.column}": line for line in erasure_plan(labels)}


@pytest.mark.parametrize("labels", ["keep", "delete"])
def test_the_plan_speaks_of_every_personal_column_once(labels):
    lines = erasure_plan(labels)
    assert len(lines) == len(plan(labels))
    assert plan(labels).keys() == personal_places()


@pytest.mark.parametrize("labels", ["keep", "delete"])
def test_each_line_tells_what_is_done_and_by_which_law(labels):
    for line in erasure_plan(labels):
        assert line.done
        assert line.ground.startswith("GDPR Art. 17(")


@pytest.mark.parametrize("labels", ["keep", "delete"])
def test_sealed_texts_and_the_data_key_go(labels):
    gone = {place for place, line in plan(labels).items() if line.action is EraseAction.ERASE}
    assert gone >= sealed_places() | {"subjects.wrapped_key", "subjects.identifier"}


@pytest.mark.parametrize("labels", ["keep", "delete"])
def test_no_name_stays(labels):
    for place in identifier_places():
        line = plan(labels)[place]
        assert line.action is not EraseAction.KEEP
        assert "removed" in line.done or "replaced" in line.done


def test_measurements_stay_without_the_person():
    line = plan("keep")["labels.label"]
    assert line.action is EraseAction.ANONYMISE
    assert "Art. 89(1)" in line.ground
    assert plan("keep")["labels.time_spent"].action is EraseAction.ERASE


def test_measurements_go_when_asked():
    changed = plan("delete")
    for place in ("labels.label", "labels.timestamp", "labels.notes", "label_revisions.label"):
        assert changed[place].action is EraseAction.ERASE
        assert changed[place].ground == "GDPR Art. 17(1)"


def test_who_checked_a_colleagues_label_becomes_a_pseudonym_even_then():
    line = plan("delete")["labels.verified_by"]
    assert line.action is EraseAction.ANONYMISE
    assert "colleagues' labels replaced by the person's random pseudonym" in line.done


def test_deleting_labels_changes_nothing_but_labels_live_or_frozen_and_their_number():
    kept, deleted = plan("keep"), plan("delete")
    changed = {deleted[place].table for place in kept if kept[place] != deleted[place]}
    assert changed == {"labels", "label_revisions", "technicians", "data_versions"}
    assert "set to 0" in deleted["technicians.total_labels"].done


@pytest.mark.parametrize("labels", ["keep", "delete"])
def test_the_audit_trail_stays_restricted_and_pseudonymous(labels):
    line = plan(labels)["audit_logs.user_id"]
    assert line.action is EraseAction.RESTRICT
    assert "ISO/IEC 17025:2017" in line.ground
    assert "random subject id" in line.done
    assert plan(labels)["audit_logs.who_salt"].action is EraseAction.ERASE


def test_there_is_no_third_choice():
    with pytest.raises(ValidationError, match="labels='some': choose 'keep' or 'delete'"):
        erasure_plan("some")
