"""`images`: ingest, add, list, show, set, thumbnail."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path

import pytest
from PIL import Image


def test_real_micrographs_are_ingested_with_their_metadata(mlmcsc, micrographs):
    ran = mlmcsc("images", "ingest", micrographs, "--json")
    files = [f for f in Path(micrographs).iterdir() if f.is_file()]
    assert ran.code == 0
    assert (ran.json["stored"], ran.json["errors"]) == (len(files), [])
    shown = mlmcsc("images", "list", "--path", f"{micrographs}/FEI-Helios-Ebeam-16bits.tif")
    assert re.search(r"FEI-Helios-Ebeam-16bits.tif .*512 x 471 +3.3724 +120", shown.out)
    image = mlmcsc("images", "show", 1).out
    assert re.search(r"pixel size +3.3724 µm +\(from FEI 34682 EScan.PixelWidth\)", image)
    assert re.search(r"voltage +5 kV +\(from FEI", image)


def test_a_second_ingest_changes_nothing(mlmcsc, draw, tmp_path):
    draw("photos/a.png", seed=1)
    draw("photos/deep/b.png", seed=2)
    assert mlmcsc("images", "ingest", "photos", "--json").json["stored"] == 2
    ran = mlmcsc("images", "ingest", "photos")
    assert ran.code == 0
    assert re.search(r"^stored +0 new images$", ran.out, re.MULTILINE)
    assert re.search(r"^unchanged +2 files stored before$", ran.out, re.MULTILINE)


def test_sub_folders_may_be_left_out(mlmcsc, draw):
    draw("photos/a.png", seed=1)
    draw("photos/deep/b.png", seed=2)
    ran = mlmcsc("images", "ingest", "photos", "--no-recursive", "--json")
    assert ran.json["stored"] == 1


def test_files_that_cannot_be_stored_are_told_with_the_reason_and_exit_1(mlmcsc, draw, tmp_path):
    draw("photos/good.png", seed=1)
    (tmp_path / "photos" / "=bad.jpg").write_text("this is text")
    ran = mlmcsc("images", "ingest", "photos", "--errors-to", "errors.csv")
    assert ran.code == 1
    assert re.search(r"^stored +1 new image$", ran.out, re.MULTILINE)
    assert ran.err == "1 error written to errors.csv\n"
    with Path("errors.csv").open(newline="") as file:
        (line,) = csv.DictReader(file)
    assert line["path"].endswith("=bad.jpg")
    assert line["reason"]
    assert "=bad.jpg" in mlmcsc("images", "ingest", "photos").out


def test_fail_fast_stops_at_the_first_bad_file(mlmcsc, tmp_path):
    (tmp_path / "bad.jpg").write_text("this is text")
    ran = mlmcsc("images", "ingest", ".", "--fail-fast")
    assert (ran.code, ran.out) == (2, "")
    assert "bad.jpg" in ran.err


def test_specimens_are_read_from_paths_and_metadata_given_for_all(mlmcsc, draw):
    draw("photos/SPEC_017_-40C.png", seed=1)
    pattern = r"(?P<specimen>SPEC_\d+)_(?P<temperature_c>-?\d+)C"
    ran = mlmcsc(
        "images", "ingest", "photos", "--specimen-from", pattern, "--magnification", 400, "--json"
    )
    assert ran.code == 0
    image = mlmcsc("images", "show", 1, "--json").json
    assert (image["specimen_id"], image["magnification"]) == ("SPEC_017", 400)
    assert mlmcsc("specimens", "show", "SPEC_017", "--json").json["temperature_c"] == -40


def test_managed_files_are_copied_beside_the_database(mlmcsc, draw, tmp_path):
    file = draw("photos/a.png", seed=1)
    assert mlmcsc("images", "ingest", "photos", "--storage", "managed").code == 0
    image = mlmcsc("images", "show", 1, "--json").json
    assert image["storage"] == "managed"
    assert Path(image["path"]).read_bytes() == file.read_bytes()


def test_nothing_to_ingest_is_a_clear_error(mlmcsc):
    ran = mlmcsc("images", "ingest", "nowhere")
    assert ran.code == 2
    assert "nowhere" in ran.err


def test_add_stores_single_files_and_goes_on_after_a_bad_one(mlmcsc, draw, tmp_path):
    good, copy = draw("a.png", seed=1), tmp_path / "copy.png"
    copy.write_bytes(good.read_bytes())
    ran = mlmcsc("images", "add", good, "absent.png", copy, "--specimen-id", "S1")
    assert ran.code == 2
    assert "absent.png" in ran.err
    assert "same content as" in ran.out
    assert "Traceback" not in ran.err
    assert [i["filename"] for i in mlmcsc("images", "list", "--json").json["items"]] == ["a.png"]


def test_wrong_metadata_is_refused_before_anything_is_read(mlmcsc, draw):
    ran = mlmcsc("images", "add", draw("a.png"), "--quality-score", "7.5")
    assert ran.code == 2
    assert "from 0 to 1" in ran.err
    assert mlmcsc("images", "list", "--json").json["items"] == []


def test_typed_in_values_that_the_file_contradicts_are_flagged(mlmcsc, micrographs):
    file = micrographs / "FEI-Helios-Ebeam-16bits.tif"
    ran = mlmcsc("images", "add", file, "--magnification", 999)
    assert "magnification: 999" in ran.out
    assert "999 was typed in" in mlmcsc("images", "show", 1).err


def test_listing_pages_by_id_and_says_that_there_is_more(labelled):
    first = labelled("images", "list", "--limit", 5)
    assert "add --after-id 5" in first.err
    page = labelled("images", "list", "--limit", 5, "--after-id", 5, "--json").json
    assert [i["id"] for i in page["items"]] == [6, 7, 8, 9, 10]
    assert page["next_after_id"] == 10
    every = labelled("images", "list", "--all", "--json").json
    assert ([i["id"] for i in every["items"]], every["next_after_id"]) == ([*range(1, 13)], None)


def test_listing_filters(labelled):
    def ids(*words):
        return [i["id"] for i in labelled("images", "list", "--json", *words).json["items"]]

    labelled("images", "set", 3, "--quality-score", "0.8", "--is-valid", "false")
    assert ids("--specimen-id", "SPEC_001") == [3, 4]
    assert ids("--invalid") == [3]
    assert ids("--min-quality", "0.5") == [3]
    assert ids("--unlabelled") == []
    assert len(ids("--since", "2020-01-01")) == 12
    assert ids("--until", "2020-01-01T00:00:00+01:00") == []
    assert labelled("images", "list", "--since", "yesterday").code == 2


def test_an_empty_listing_says_so_on_stderr(mlmcsc):
    ran = mlmcsc("images", "list")
    assert (ran.code, ran.out, ran.err) == (0, "", "nothing to show\n")


def test_show_tells_labels_predictions_and_look_alikes(labelled, tmp_path):
    with Image.open(tmp_path / "SPEC_000_00.png") as picture:
        picture.save(tmp_path / "again.bmp")
    labelled("images", "add", "again.bmp")
    shown = labelled("images", "show", 1)
    assert shown.code == 0
    assert all(title in shown.out for title in ("Labels", "Predictions", "Look alike"))
    assert labelled("images", "show", 1, "--json").json["near_duplicates"][0]["image_id"] == 13


def test_a_correction_keeps_the_reason_in_the_audit_trail(labelled):
    assert labelled("images", "set", 1).code == 2
    changed = labelled(
        "images", "set", 1, "--magnification", 200, "--reason", "stage", "--json"
    ).json
    assert changed["magnification"] == 200
    assert (
        labelled("images", "set", 1, "--magnification", "", "--json").json["magnification"] is None
    )
    labelled("export", "audit_logs", "audit.csv")
    with Path("audit.csv").open(newline="") as file:
        reasons = [
            line["reason"] for line in csv.DictReader(file) if line["table_name"] == "images"
        ]
    assert reasons[-2:] == ["stage", ""]


def test_a_thumbnail_is_made_where_it_is_wanted(labelled, tmp_path):
    ran = labelled("images", "thumbnail", 1, "--size", 32, "--output", "small.jpg")
    assert (ran.code, ran.out) == (0, "small.jpg\n")
    with Image.open(tmp_path / "small.jpg") as picture:
        assert max(picture.size) == 32
    os.remove(tmp_path / "SPEC_000_01.png")
    assert labelled("images", "thumbnail", 2).code == 2


def test_names_cannot_send_codes_to_the_terminal(mlmcsc, draw):
    mlmcsc("images", "add", draw("a.png"), "--detector", "\x1b[31mred[/bold]:smile:")
    shown = mlmcsc("images", "show", 1).out
    assert r"\x1b[31mred[/bold]:smile:" in shown


@pytest.mark.parametrize(
    ("width", "table", "left_out"), [(40, False, False), (80, True, True), (120, True, False)]
)
def test_narrow_terminals_get_fewer_columns_and_then_cards(
    labelled, monkeypatch, width, table, left_out
):
    monkeypatch.setenv("COLUMNS", str(width))
    ran = labelled("images", "list", "--limit", 2)
    assert max(map(len, ran.out.splitlines())) <= width
    assert ran.out.startswith("id  file" if table else "id           1\nfile")
    assert ("left out on this narrow terminal" in ran.err) == left_out


def test_pipes_get_whole_lines(labelled, monkeypatch):
    monkeypatch.delenv("COLUMNS")
    assert re.search(
        r"^ *1 +SPEC_000_00.png +SPEC_000 .*png$", labelled("images", "list").out, re.MULTILINE
    )
