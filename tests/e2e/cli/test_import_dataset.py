"""`mlmcsc import dataset` from the command line."""

from __future__ import annotations

import pytest


@pytest.fixture
def folder(draw, tmp_path):
    """A Hugging Face image folder of two images, the second without a value."""
    for number in range(2):
        draw(f"charpy/{number}.png", seed=number)
    (tmp_path / "charpy/metadata.csv").write_text("file_name,SFA\n0.png,50\n1.png,\n")
    return tmp_path / "charpy"


@pytest.fixture
def lab(mlmcsc):
    mlmcsc("technician", "register", "tech_001", "--name", "John Doe")
    return mlmcsc


def test_a_dataset_is_imported_and_what_was_refused_is_told(lab, folder):
    column = ("--label-column", "SFA", "--scale", "0.01")
    call = ("import", "dataset", folder, "--technician", "tech_001", *column)
    tried = lab(*call, "--dry-run", "--json")
    assert (tried.code, tried.json["stored"]) == (1, 1)
    assert lab("labels", "list", "--json").json["items"] == []
    ran = lab(*call)
    assert ran.code == 1
    assert "1 label" in ran.out
    assert "SFA: has no value here." in ran.out
    assert f"{folder}.rejected.csv" in ran.out
    assert [label["label"] for label in lab("labels", "list", "--json").json["items"]] == [0.5]


def test_it_says_whose_labels_are_wanted_and_which_columns_there_are(lab, folder):
    assert "--technician STAFF" in lab("import", "dataset", folder).err
    ran = lab("import", "dataset", folder, "--technician", "tech_001")
    assert ran.code == 2
    assert "There is: SFA" in ran.err


def test_a_table_called_so_is_still_imported_as_a_table(lab, tmp_path):
    (tmp_path / "s.csv").write_text("specimen_id,heat\nS1,H\n")
    assert lab("import", "specimens", tmp_path / "s.csv").code == 0
    assert "FOLDER" in lab("import", "dataset", "--help").out
    assert "TABLE" in lab("import", "--help").out
