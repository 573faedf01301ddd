"""What is asked of a version is checked before anything is read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mlmcsc.domain.versions.choice import Choice, repeated
from mlmcsc.domain.versions.manifest import Manifest
from mlmcsc.errors import UnknownKeywordError, ValidationError


def choice(version="v1", name=None, description=None, **given):
    return Choice.checked(version, name, description, **given)


@pytest.mark.parametrize(
    ("word", "meant"), [("verified_onli", "verified_only"), ("label_polcy", "label_policy")]
)
def test_a_misspelt_keyword_is_refused_with_the_nearest_one(word, meant):
    with pytest.raises(UnknownKeywordError, match=f"{word}.*Did you mean '{meant}'"):
        choice(**{word: True})


@pytest.mark.parametrize("name", ["CON", "con", "nul.v1", "COM1", "LPT9.x", "v1.", "a b", "", "é"])
def test_a_name_that_no_folder_can_have_everywhere_is_refused(name):
    with pytest.raises(ValidationError, match="version="):
        choice(name)
    with pytest.raises(ValidationError, match="tag="):
        choice(tags=[name])


@pytest.mark.parametrize("name", ["CONTROL", "com", "v1.0", "2026-11-23", "a_b-c"])
def test_other_names_are_taken(name):
    assert choice(name).version == name


@pytest.mark.parametrize(
    "given",
    [
        {"group_by": []},
        {"label_policy": 5},
        {"features": [5]},
        {"features": [None]},
        {"features": "cnn"},
        {"seed": True},
        {"seed": float("nan")},
        {"train_split": float("nan")},
        {"train_split": True},
        {"stratify": "yes"},
        {"verified_only": 2},
        {"min_confidence": True},
        {"min_quality": float("nan")},
        {"since": "2026-01-01"},
        {"until": datetime(2026, 1, 1)},  # noqa: DTZ001  # naive: that is the point
        {"material": 5},
        {"specimen_ids": "S1"},
        {"tags": "production"},
        {"tags": [5]},
        {"name": ""},
        {"name": "a\x1b[2J"},
        {"description": "a\x07"},
        {"description": 5},
        {"version": None},
        {"version": "\ud800"},
    ],
    ids=ascii,
)
def test_a_value_of_the_wrong_kind_is_refused_in_words(given):
    with pytest.raises(ValidationError, match=next(iter(given)).split("_")[0].rstrip("s")):
        choice(**given)


def test_a_manifest_gives_back_what_was_asked():
    asked = {
        "train_split": 0.6,
        "val_split": 0.2,
        "test_split": 0.2,
        "verified_only": True,
        "group_by": "image",
        "stratify": False,
        "seed": 7,
        "label_policy": "mean",
        "specimen_ids": ["S1", "S2"],
        "min_quality": 0.5,
        "since": datetime(2026, 1, 1, tzinfo=UTC),
    }
    first = choice(**asked)
    wanted = first.wanted
    manifest = Manifest(
        database_id="d",
        version="v1",
        created_at="",
        root="",
        n_rows=0,
        label_policy=wanted.policy.value,
        group_by=wanted.group_by,
        stratify=wanted.stratify,
        seed=wanted.seed,
        ratios=(0.6, 0.2, 0.2),
        label_range=(0.0, 1.0),
        filters=first.filters,
        report={},
        features=(),
    )
    assert choice(**repeated(manifest, None)) == first
