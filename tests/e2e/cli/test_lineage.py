"""`mlmcsc models lineage` from the command line: what came of what, as a tree and as JSON."""

from __future__ import annotations

import pytest

from mlmcsc import DatabaseManager

REGISTER = ("models", "register", "1.0", "--name", "ridge", "--model-path", "/m")


@pytest.fixture
def traced(labelled, sqlite_url):
    """Twelve labelled images, a version of them tagged `best`, and a model trained on it."""
    with DatabaseManager(sqlite_url) as db:
        db.versions.create("v1", "First")
        db.versions.tag("v1", "best")
    labelled(*REGISTER, "--training-data-version", "best")
    return labelled


def test_a_model_is_told_with_its_version_its_labels_and_people(traced):
    ran = traced("models", "lineage", "1.0")
    assert ran.code == 0
    lines = [line.lstrip("│├└─ ") for line in ran.out.splitlines()]
    assert lines[:2] == ["model 1.0 (ridge)", "trained on data version v1 [best] (First)"]
    assert "6 specimens" in lines
    assert "12 labels (policy latest, seed 0)" in lines
    assert any(line.startswith("technician tech_001 (id 1): 12 (100.0%)") for line in lines)


def test_an_image_and_a_person_lead_to_the_models_that_learnt_of_them(traced):
    split = traced("models", "lineage", "--image", "1", "--json").json["uses"][0]["split"]
    use = "trained on" if split == "train" else "evaluated on"
    assert f"{use}: 1.0" in traced("models", "lineage", "--image", "1").out
    assert "trained on them: 1.0" in traced("models", "lineage", "--technician", "tech_001").out
    assert traced("models", "lineage", "--technician-number", "1", "--json").json["trained_on"] == [
        "1.0"
    ]


def test_a_label_leads_to_the_models_that_learnt_of_it(traced):
    told = traced("models", "lineage", "--label", "1", "--json").json
    assert [use["version"] for use in told["uses"]] == ["v1"]
    assert told["trained_on"] + told["evaluated_on"] == ["1.0"]
    assert "label 1 of image 1 (" in traced("models", "lineage", "--label", "1").out


def test_a_model_is_found_by_its_id_where_no_version_name_fits(traced):
    number = traced("models", "show", "1.0", "--json").json["id"]
    assert traced("models", "lineage", number, "--json").json["version"] == "1.0"
    assert traced("models", "show", number, "--json").json["version"] == "1.0"
    traced("models", "register", number, "--name", "ridge", "--model-path", "/n")
    assert traced("models", "lineage", number, "--json").json["id"] == number + 1


def test_a_model_of_a_deleted_version_says_which_one_it_was(traced):
    root = traced("models", "lineage", "--version", "v1", "--json").json["root"]
    assert traced("version", "delete", "v1", "--force", "--confirm").code == 0
    told = traced("models", "lineage", "1.0", "--json").json
    assert (told["data"], told["training_data"]["root"]) == (None, root)
    assert "'v1' that it was trained on was deleted" in told["training_data"]["note"]


def test_a_version_leads_to_its_models(traced):
    told = traced("models", "lineage", "--version", "best", "--json").json
    assert (told["version"], [model["version"] for model in told["models"]]) == ("v1", ["1.0"])
    assert sum(told["splits"].values()) == 12


def test_a_model_of_unknown_data_is_registered_and_warned_of(labelled):
    ran = labelled(*REGISTER, "--training-data-version", "data of May")
    assert ran.code == 0
    assert "'data of May' is no version and no tag of this database" in ran.err
    assert "note: 'data of May' is no version" in labelled("models", "lineage", "1.0").out


@pytest.mark.parametrize(
    "words", [(), ("1.0", "--image", "1"), ("--image", "1", "--version", "v1")]
)
def test_one_thing_is_asked_of_at_a_time(labelled, words):
    ran = labelled("models", "lineage", *words)
    assert ran.code == 2
    assert "say of what" in ran.err


@pytest.mark.parametrize("words", [("9.9",), ("--image", "99"), ("--version", "v9")])
def test_what_is_not_there_is_a_finding(labelled, words):
    ran = labelled("models", "lineage", *words)
    assert (ran.code, ran.out) == (1, "")
    assert "does not exist" in ran.err
