"""`specimens measure`, `table` and `curve`, and labels computed from A and B."""

from __future__ import annotations

import csv
import math

import pytest

from mlmcsc import DatabaseManager


@pytest.fixture
def tested(mlmcsc, sqlite_url):
    """Two heats, tested at six temperatures, two bars each."""
    rows = [
        {
            "specimen_id": f"{heat}-{t}-{bar}",
            "heat": heat,
            "temperature_c": t,
            "kv_joule": 6 + 140 * (1 + math.tanh((t - t50) / 25)) / 2 + bar,
        }
        for heat, t50 in (("H1", -30), ("H2", -10))
        for t in (-80, -60, -40, -20, 0, 20)
        for bar in range(2)
    ]
    with DatabaseManager(sqlite_url) as db:
        db.specimens.add_many(rows)
    return mlmcsc


def test_a_measured_sfa_is_stored_and_shown(tested):
    ran = tested("specimens", "measure", "H1-0-0", "--a-mm", 4.2, "--b-mm", 5.1)
    assert ran.code == 0
    assert "73.225" in ran.out
    found = tested(
        *("specimens", "measure", "H1-0-1", "--a-mm", 2.5, "--b-mm", 4, "--ligament", 5, 8),
        *("--lateral-expansion", 1.1, "--json"),
    ).json
    assert (found["sfa_percent"], found["sfa_method"], found["le_mm"]) == (75, "dimensions", 1.1)
    ran = tested("specimens", "measure", "H1-0-0", "--percent", 60, "--method", "photograph")
    assert "photograph" in ran.out
    assert "photograph" in tested("specimens", "show", "H1-0-0").out


def test_a_wrong_measurement_is_a_usage_error(tested):
    ran = tested("specimens", "measure", "H1-0-0", "--a-mm", 11, "--b-mm", 5)
    assert ran.code == 2
    assert "a_mm=11.0: must be from 0 to 10" in ran.err


def test_a_label_is_computed_from_a_and_b(labelled):
    ran = labelled(
        "labels", "add", 1, "--a-mm", 4, "--b-mm", 5, "--technician", "tech_001", "--json"
    )
    made = labelled("labels", "show", ran.json["id"], "--json").json
    assert made["label"] == pytest.approx(0.75)
    assert made["annotation_data"]["sfa"]["method"] == "dimensions"
    both = labelled("labels", "add", 1, 0.5, "--a-mm", 4, "--b-mm", 5, "--technician", "tech_001")
    assert both.code == 2
    assert labelled("labels", "add", 1, "--technician", "tech_001").code == 2


def test_the_table_is_shown_and_written(tested, tmp_path):
    assert "H2" not in tested("specimens", "table", "--heat", "H1").out
    assert len(tested("specimens", "table", "--all", "--json").json["items"]) == 24
    file = tmp_path / "t.csv"
    assert "24 specimens" in tested("specimens", "table", "--output", file).out
    rows = list(csv.DictReader(file.read_text().splitlines()))
    assert len(rows) == 24
    assert rows[0]["kv_joule"]
    assert tested("specimens", "table", "--output", file).code == 2


def test_curves_are_told_and_drawn(tested, tmp_path):
    plot = tmp_path / "kv.svg"
    ran = tested("specimens", "curve", "--heat", "H1", "--compare", "H2", "--plot", plot)
    assert ran.code == 0
    assert "T28J" in ran.out
    assert "upper shelf energy  unknown; no specimen with a KV" in ran.out
    assert "H1: T28J −" in plot.read_text()  # noqa: RUF001  # a true minus sign
    found = tested("specimens", "curve", "--heat", "H1", "--shelves", "6,", "--json").json
    (curve,) = found["curves"]
    assert [p["fixed"] for p in curve["fit"]["parameters"]] == [True, False, False, False]


def test_too_few_temperatures_are_refused_before_a_plot_is_written(tested, tmp_path):
    plot = tmp_path / "sfa.png"
    ran = tested("specimens", "curve", "--heat", "H1", "--property", "sfa", "--plot", plot)
    assert ran.code == 2
    assert "needs at least 2 distinct temperatures" in ran.err
    assert not plot.exists()
    assert tested("specimens", "curve", "--shelves", "a,b").code == 2


def test_heats_are_not_fitted_together_unless_asked(tested, tmp_path):
    plot = tmp_path / "kv.svg"
    ran = tested("specimens", "curve", "--plot", plot)
    assert "H1: KV" in ran.out
    assert "H2: KV" in ran.out
    assert "H2: T28J" in plot.read_text()
    ran = tested("specimens", "curve", "--together")
    assert "all specimens: KV" in ran.out
    assert "2 heats are fitted together" in ran.err


def test_a_ligament_that_no_bar_has_is_a_usage_error(tested):
    tiny = ("1e-200", "1e-200")
    ran = tested(
        *("specimens", "measure", "H1-0-0", "--a-mm", tiny[0], "--b-mm", tiny[0]),
        *("--ligament", *tiny),
    )
    assert ran.code == 2
    assert "ligament width_mm=1e-200: must be from 0.1 to 1000 (in mm)" in ran.err
