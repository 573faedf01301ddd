"""`version diff|verify|status|checkout` as one types them."""

from __future__ import annotations

import csv
import json

import pytest


@pytest.fixture
def versions(labelled):
    """v1 and v2: two labels corrected in between."""
    assert labelled("version", "create", "v1").code == 0
    for label, value in (("1", "0.4"), ("4", "0.05")):
        labelled("labels", "correct", label, "--label", value, "--reason", "misread")
    assert labelled("version", "create", "v2").code == 0
    return labelled


def test_diff_shows_counts_a_histogram_and_samples(versions):
    ran = versions("version", "diff", "v1", "v2")
    assert ran.code == 0
    assert "relabelled 2" in " ".join(ran.out.split())
    assert "mean +0.1" in ran.out
    assert "#" in ran.out
    assert "0 -> 0.4" in ran.out
    assert "SPEC_000_00.png" in "".join(ran.out.split())  # paths may be wrapped


def test_diff_exits_1_only_when_asked_to(versions):
    assert versions("version", "diff", "v1", "v2", "--exit-code").code == 1
    same = versions("version", "diff", "v1", "v1", "--exit-code")
    assert same.code == 0
    assert "the same images" in same.out


def test_diff_as_json_pages(versions):
    found = versions("version", "diff", "v1", "v2", "--limit", "1", "--json").json
    assert not found["identical"]
    assert [sample["image_id"] for sample in found["samples"]] == [1]
    assert found["next_after_id"] == 1
    rest = versions("version", "diff", "v1", "v2", "--after-id", "1", "--json").json
    assert [sample["image_id"] for sample in rest["samples"]] == [4]


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_diff_writes_all_that_differs(versions, tmp_path, suffix):
    target = tmp_path / f"changes.{suffix}"
    assert versions("version", "diff", "v1", "v2", "--output", target).code == 0
    if suffix == "csv":
        rows = list(csv.DictReader(target.read_text().splitlines()))
    elif suffix == "jsonl":
        rows = [json.loads(line) for line in target.read_text().splitlines()]
    else:
        import pyarrow.parquet as pq

        rows = pq.read_table(target).to_pylist()
    assert [int(row["image_id"]) for row in rows] == [1, 4]
    assert [float(row["new_label"]) for row in rows] == [0.4, 0.05]
    assert versions("version", "diff", "v1", "v2", "--output", target).code == 2


def test_diff_draws_a_plot(versions, tmp_path):
    pytest.importorskip("altair")
    for suffix, start in (("svg", b"<svg"), ("png", b"\x89PNG")):
        target = tmp_path / f"plot.{suffix}"
        assert versions("version", "diff", "v1", "v2", "--plot", target).code == 0
        assert target.read_bytes().startswith(start)
    assert versions("version", "diff", "v1", "v2", "--plot", tmp_path / "plot.gif").code == 2


def test_a_plot_without_its_packages_names_the_extra(versions, tmp_path, monkeypatch):
    monkeypatch.setattr("mlmcsc.cli.plotting.find_spec", lambda _: None)
    ran = versions("version", "diff", "v1", "v2", "--plot", tmp_path / "plot.svg")
    assert ran.code == 2
    assert "pip install 'mlmcsc[plots]'" in ran.err


def test_verify_exits_0_intact_1_findings_2_usage(versions, tmp_path):
    ran = versions("version", "verify", "v1")
    assert ran.code == 0
    assert "intact" in ran.out
    (tmp_path / "SPEC_000_00.png").unlink()
    ran = versions("version", "verify", "v1")
    assert ran.code == 1
    assert "SPEC_000_00.png" in "".join(ran.out.split())  # paths may be wrapped
    found = versions("version", "verify", "v1", "--json").json
    assert not found["intact"]
    assert found["findings"][0]["kind"] == "image"
    assert versions("version", "verify", "v1", "--no-images").code == 0
    assert versions("version", "verify", "v1", "--workers", "0").code == 2
    assert versions("version", "verify", "v9").code == 2


def test_verify_tells_each_repair_once_and_where_the_trail_is_proven(versions, tmp_path):
    for name in ("SPEC_000_00.png", "SPEC_000_01.png"):
        (tmp_path / name).unlink()
    ran = versions("version", "verify", "v1")
    assert "2 findings" in ran.out
    assert ran.out.count("Put the file back") == 1
    assert "audit verify" in ran.err


def test_a_diff_with_an_unknown_version_is_no_difference(versions):
    assert versions("version", "diff", "v1", "v9", "--exit-code").code == 2


def test_diff_shows_transitions_only_when_asked_to(versions):
    asked = versions("version", "diff", "v1", "v2", "--transitions").out
    assert "from old label (rows) to new one (columns)" in asked
    assert "from old label" not in versions("version", "diff", "v1", "v2").out


def test_bins_without_images_are_left_out(versions):
    out = versions("version", "diff", "v1", "v2").out
    assert sum(line.rstrip().endswith("#") for line in out.splitlines()) == 2


def test_status_tells_what_happened_since_the_newest_version(versions):
    versions("labels", "correct", "2", "--label", "0.3", "--reason", "misread")
    ran = versions("version", "status")
    assert ran.code == 0
    assert ran.out.startswith("v2, 12 images")
    assert "after 999 more label changes" in ran.out
    found = versions("version", "status", "v1", "--json").json
    assert (found["version"], found["changed_labels"]) == ("v1", 3)


def test_checkout_writes_a_folder_and_exits_1_when_an_image_is_missing(versions, tmp_path):
    ran = versions("version", "checkout", "v1", tmp_path / "out")
    assert ran.code == 0
    assert "12 rows, 12 images" in ran.out
    assert versions("version", "checkout", "v2", tmp_path / "out").code == 2
    (tmp_path / "SPEC_000_00.png").unlink()
    ran = versions("version", "checkout", "v2", tmp_path / "other")
    assert ran.code == 1
    assert "1 image missing" in ran.out
    renewed = versions("version", "checkout", "v2", tmp_path / "out", "--overwrite", "--json").json
    assert (renewed["kept"], renewed["missing"]) == (12, [])
