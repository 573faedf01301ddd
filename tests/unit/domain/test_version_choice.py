"""What is asked of a version is checked before anything is read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mlmcsc.domain.versions.choice import Choice
from mlmcsc.errors import ValidationError


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"version": "../v1"}, "letters, digits"),
        ({"version": ""}, "version"),
        ({"version": "v" * 51}, "at most 50"),
        ({"tags": "production"}, "list of names"),
        ({"tags": ["v"]}, "cannot have the name"),
        ({"seed": 1.5}, "seed"),
        ({"label_policy": "first"}, "label_policy"),
        ({"group_by": "day"}, "group_by"),
        ({"train_split": 0.9}, "sum to 1"),
        ({"min_quality": 2}, "min_quality"),
        ({"since": datetime(2026, 1, 1)}, "time zone"),  # noqa: DTZ001  # what is refused
        ({"features": "cnn"}, "list of names"),
        ({"features": [("cnn", "1", "x")]}, "pair"),
        ({"specimen_ids": "S1"}, "list of specimen"),
        ({"extractor_version": "1"}, "feature_type"),
    ],
)
def test_a_wrong_value_is_refused_by_name(wrong, match):
    given = {"version": "v", "name": None, "description": None} | wrong
    with pytest.raises(ValidationError, match=match):
        Choice.checked(**given)


def test_what_narrows_is_told_as_json_has_it():
    since = datetime(2026, 1, 2, tzinfo=UTC)
    asked = {"min_confidence": 0.5, "specimen_ids": ("S2", "S1", "S2"), "verified_only": True}
    choice = Choice.checked("v", None, None, since=since, heat=None, **asked)
    assert choice.filters == {
        "min_confidence": 0.5,
        "specimen_ids": ["S1", "S2"],
        "verified_only": True,
        "since": "2026-01-02T00:00:00+00:00",
    }


def test_features_are_named_by_type_or_by_type_and_extractor():
    asked = Choice.checked("v", None, None, features=["cnn", ("lbp", "2.1"), "cnn"])
    assert asked.features == (("cnn", None), ("lbp", "2.1"))
    assert Choice.checked("v", None, None).features is None
    assert Choice.checked("v", None, None, features=[]).features == ()
