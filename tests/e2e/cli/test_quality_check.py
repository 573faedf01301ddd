"""`mlmcsc quality check`: exit code, tables, JSON, page and plot."""

from __future__ import annotations

import json
import re
import shlex
from types import SimpleNamespace

from mlmcsc.domain.quality.judging import _models
from mlmcsc.domain.quality.report import ModelAccuracy


def filled(mlmcsc, draw, labels=(0.4, 0.5, 0.6)):
    folder = draw("0.png", seed=0).parent
    for seed in range(1, len(labels)):
        draw(f"{seed}.png", seed=seed)
    mlmcsc("images", "ingest", folder)
    mlmcsc("technician", "register", "tech_001", "--name", "Jo Lund")
    for at, label in enumerate(labels, start=1):
        mlmcsc("images", "set", at, "--quality-score", "0.9")
        mlmcsc("predictions", "add", at, "0.5", "--model", "unversioned", "--confidence", "0.9")
        mlmcsc("labels", "add", at, label, "--technician", "tech_001")


def test_nothing_worse_than_a_remark_exits_0_and_a_warning_1(mlmcsc, draw):
    filled(mlmcsc, draw, labels=(0.5, 0.5))
    assert mlmcsc("quality", "check").code == 0
    mlmcsc("images", "set", 1, "--quality-score", "0.1")
    ran = mlmcsc("quality", "check")
    assert ran.code == 1
    assert "warning: images in use with a quality score below 0.5: 1" in ran.out
    assert "mlmcsc images list --valid --below-quality 0.5" in ran.out


def test_json_is_the_whole_report(mlmcsc, draw):
    filled(mlmcsc, draw)
    told = json.loads(mlmcsc("quality", "check", "--json").out)
    assert told["total_labels"] == 3
    assert told["prediction_accuracy"][0]["overall"]["n"] == 3


def test_a_page_and_a_plot_are_written_once(mlmcsc, draw, tmp_path):
    filled(mlmcsc, draw)
    ran = mlmcsc("quality", "check", "--html", "q.html", "--plot", "q.svg")
    page = (tmp_path / "q.html").read_text()
    assert not re.search(r'(src|href)="', page)  # needs nothing beside it
    assert page.count("<svg") == 4
    assert "Jo Lund" not in page
    assert "Error of each month" in (tmp_path / "q.svg").read_text()
    assert "written to q.html" in ran.err
    assert mlmcsc("quality", "check", "--html", "q.html").code != 0


def test_a_name_that_is_no_page_is_refused_before_any_work(mlmcsc):
    ran = mlmcsc("quality", "check", "--html", "q.pdf")
    assert "name a page that ends in .html" in ran.err
    assert ran.code != 0


def test_every_finding_has_a_command_that_shows_what_was_counted(mlmcsc, draw, sqlite_url):
    """Each is run, and lists as many rows as the finding says."""
    filled(mlmcsc, draw, labels=(0.1, 0.2, 0.3, 0.4, 0.5))
    draw("5.png", seed=5)
    mlmcsc("images", "ingest", draw("6.png", seed=6).parent)
    mlmcsc("images", "set", 1, "--quality-score", "0.1")
    mlmcsc("images", "set", 2, "--quality-score", "0.5")  # the threshold: not below it
    mlmcsc("predictions", "add", 6, "0.5", "--model", "unversioned", "--confidence", "0.2")
    mlmcsc("predictions", "add", 7, "0.5", "--model", "unversioned", "--confidence", "0.7")
    mlmcsc("images", "set", 3, "--specimen-id", "S1")
    draw("6.png", seed=6).unlink()
    mlmcsc("quality", "update-scores")
    found = json.loads(mlmcsc("quality", "check", "--json").out)["findings"]
    listings = [
        each for each in found if " list " in each["command"] or "scores" in each["command"]
    ]
    assert {each["kind"] for each in listings} >= {
        "low_quality",
        "not_scored",
        "unreadable",
        "no_specimen",
        "no_magnification",
        "not_labelled",
        "not_verified",
        "low_confidence",
    }
    for each in listings:
        words = shlex.split(each["command"])[1:]
        ran = mlmcsc(*words, "--all", "--json")
        assert ran.code == 0, ran.err
        told = json.loads(ran.out)
        assert len(told["items"]) == each["count"], each["command"]


def test_a_repair_that_a_finding_names_is_one_that_works(mlmcsc, draw):
    filled(mlmcsc, draw)
    values = {"SPECIMEN": "S1", "MAGNIFICATION": "500", "MICROMETRES": "0.25"}
    found = json.loads(mlmcsc("quality", "check", "--json").out)["findings"]
    repairs = {each["kind"]: each for each in found if each["repair"]}
    assert repairs.keys() >= {"no_specimen", "no_magnification", "no_pixel_size"}
    for each in repairs.values():
        words = [values.get(word, word) for word in shlex.split(each["repair"])[1:]]
        assert mlmcsc(*words).code == 0, each["repair"]
    again = {
        each["kind"]: each["count"]
        for each in json.loads(mlmcsc("quality", "check", "--json").out)["findings"]
    }
    for kind, each in repairs.items():
        assert again.get(kind, 0) < each["count"]


def test_a_model_whose_name_begins_with_a_dash_is_shown_by_its_command():
    model = ModelAccuracy(1, "-rc 1", {"trained_on": None})
    command = next(_models(SimpleNamespace(models=[model]))).command
    assert shlex.split(command) == ["mlmcsc", "models", "show", "--", "-rc 1"]


def test_coverage_and_the_independent_error_are_shown_on_a_narrow_terminal(
    mlmcsc, draw, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "80")
    filled(mlmcsc, draw)
    ran = mlmcsc("quality", "check")
    for needed in ("training not known", "MAE indep.*", "coverage"):
        assert needed in ran.out
    assert "within 0.05 of the label" in ran.out
    assert re.search(r"checked in \d+ (ms|s)", ran.out)
