"""`quality agreement`, `quality accuracy`, `labels consensus`."""

from __future__ import annotations

import numpy as np
import pytest

from mlmcsc import DatabaseManager


@pytest.fixture
def measured(labelled, sqlite_url):
    """Two more people measured the twelve images, one of them 0.1 too high."""
    with DatabaseManager(sqlite_url) as db:
        first = {each.image_id: each.label for each in db.get_labels()}
        for number, bias in (("tech_002", 0.0), ("tech_003", 0.1)):
            who = db.register_technician(number, "R")
            noise = np.random.default_rng(who).normal(bias, 0.02, len(first))
            values = np.clip(np.array([*first.values()]) + noise, 0, 1)
            db.labels.add_many(image_id=[*first], technician_id=who, label=values)
    return labelled


def test_too_little_to_compare_is_a_finding_that_says_what_to_do(labelled, tmp_path):
    ran = labelled("quality", "agreement", "--plot", tmp_path / "a.svg")

    assert ran.code == 1
    assert "needs 5 images that two people labelled without seeing a prediction" in ran.out
    assert "labels queue --strategy overlap" in ran.out
    assert "nothing to compare" in ran.err
    assert not (tmp_path / "a.svg").exists()
    assert labelled("quality", "accuracy").code == 0
    assert "labels queue" in labelled("labels", "consensus", "--all").err


def test_people_are_compared_and_scored(measured, tmp_path):
    ran = measured("quality", "agreement", "--plot", tmp_path / "a.svg")

    assert ran.code == 0
    for told in ("ICC(2,1)", "alpha", "limits of agreement", "tech_003", "Gauge R&R"):
        assert told in ran.out
    assert (tmp_path / "a.svg").read_text().startswith("<svg")
    shown = measured("technician", "list", "--json").json["items"]
    scores = {each["technician_id"]: each["accuracy_score"] for each in shown}
    assert scores["tech_003"] < scores["tech_002"] <= 1
    assert f"{scores['tech_002']:.3f}" in measured("quality", "accuracy").out
    assert "up to date" in ran.err
    shown = measured("technician", "show", "tech_002")
    assert "12 labels held against" in shown.out
    assert "labelled since" not in shown.err
    measured("labels", "add", 1, 0.5, "--technician", "tech_002")
    assert "labelled since" in measured("technician", "show", "tech_002").err


def test_as_json_and_of_one_person(measured):
    ran = measured("quality", "agreement", "--technician", "tech_003", "--no-update", "--json")

    assert ran.json["raters"][0]["rater"] == "tech_003"
    assert ran.json["raters"][0]["differs"] is True
    assert ran.json["gauge"]["how"]
    assert measured("technician", "show", "tech_003", "--json").json["accuracy_score"] is None
    assert measured("quality", "agreement", "--technician", "nobody").code == 1
    assert measured("quality", "agreement", "--plot", "a.gif").code == 2


def test_consensus_labels_are_made_once(measured):
    assert measured("labels", "consensus").code == 2
    assert measured("labels", "consensus", "--all", "--image", 1).code == 2
    told = measured("labels", "consensus", "--all", "--dry-run")
    assert "nothing was written" in told.out
    assert "too few people  0" in told.out
    assert measured("labels", "consensus", "--image", 1, "--json").json["created"] == 1
    made = measured("labels", "consensus", "--all", "--json").json
    assert (made["created"], made["unchanged"]) == (11, 1)
    listed = measured("labels", "list", "--type", "consensus", "--json").json["items"]
    assert len(listed) == 12
    assert listed[0]["annotation_data"]["consensus"]["n_raters"] == 3
