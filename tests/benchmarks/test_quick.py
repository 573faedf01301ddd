"""The benchmark command, tried out small: that it runs and what it saves, never how fast."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.__main__ import exit_code

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = {
    "name",
    "what",
    "product",
    "unit",
    "baseline",
    "against",
    "ratio",
    "target",
    "met",
    "rounds",
    "measured_at",
    "load_before",
}


def benchmark(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    target = tmp_path_factory.mktemp("figures") / "figures.json"
    done = benchmark("bulk", "durable", "--quick", "--json", str(target))
    assert done.returncode == 0, done.stderr
    return json.loads(target.read_text("utf-8"))


@pytest.mark.slow
def test_a_quick_run_saves_the_rows_of_the_named_benchmarks(document):
    assert document["quick"] is True
    assert {row["name"] for row in document["rows"]} == {"bulk", "durable"}
    assert all(row.keys() == COLUMNS for row in document["rows"])


@pytest.mark.slow
def test_a_quick_run_tells_the_machine(document):
    assert {"processor", "cores", "memory", "file system", "Python"} <= document["machine"].keys()


@pytest.mark.slow
def test_every_figure_with_a_target_has_a_baseline_of_the_same_run_and_a_verdict(document):
    judged = [row for row in document["rows"] if row["target"]]

    assert judged
    for row in judged:
        assert row["product"] > 0
        assert row["baseline"] > 0
        assert row["ratio"] == pytest.approx(sorted(row["rounds"])[len(row["rounds"]) // 2])
        assert row["met"] is (row["ratio"] >= float(row["target"].split()[1]))


def test_an_unknown_benchmark_is_refused_by_name():
    done = benchmark("bulkk")

    assert done.returncode == 2
    assert "bulkk" in done.stderr


@pytest.mark.parametrize(
    ("verdicts", "code"), [([True, None], 0), ([None], 0), ([True, False, None], 1)]
)
def test_a_missed_target_makes_the_command_fail(verdicts, code):
    assert exit_code([{"met": met} for met in verdicts]) == code
