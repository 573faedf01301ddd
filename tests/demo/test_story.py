import csv
import json
import re

import pytest

from mlmcsc import DatabaseManager
from mlmcsc.demo.folder import PLAN_FILE
from mlmcsc.demo.story import FIRST_MODEL, SECOND_MODEL, STEPS, run
from mlmcsc.errors import ConflictError, ValidationError

SMALL = {"seed": 19, "specimens": 8, "images_per_specimen": 2}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """One run of the demo at its own size: folder, lines said, steps reported, result."""
    output = tmp_path_factory.mktemp("demo")
    lines, steps = [], []
    result = run(output, say=lines.append, progress=lambda done, total: steps.append((done, total)))
    return output, lines, steps, result


@pytest.fixture
def opened(told):
    with DatabaseManager(told[3].database_url) as db:
        yield db


def test_the_model_beats_the_guess_that_anyone_could_make(told):
    scores = told[3].scores

    assert scores.model.n == 10
    assert scores.model.mae < 0.15
    assert scores.model.mae < scores.baseline_mae / 2
    assert scores.technicians.mae < 0.05


def test_the_story_is_told_in_numbered_steps_with_the_error_against_truth(told):
    _, lines, steps, result = told

    numbers = [m[1] for line in lines if (m := re.match(rf" ?(\d+)/{STEPS}  \w", line))]
    assert numbers == [str(n) for n in range(1, STEPS + 1)]
    assert steps == [(n, STEPS) for n in range(STEPS + 1)]
    assert any(f"MAE against the truth {100 * result.scores.model.mae:.1f} %" in x for x in lines)
    assert str(result.report) in lines[-1]


def test_the_report_shows_every_image_and_eight_plots(told):
    html = told[3].report.read_text(encoding="utf-8")

    assert html.count('src="data:image/jpeg;base64,') == 60
    assert html.count("<svg") == 8


def test_quality_is_told_with_intervals_and_the_technicians_get_their_scores(told, opened):
    lines = "\n".join(told[1])

    assert re.search(
        r"Agreement: ICC\(2,1\) 0\.\d+ \(95 % 0\.\d+ to 0\.\d+\), .+ 4 people on 8", lines
    )
    assert re.search(r"Anchoring: slope \d\.\d+ \(95 % -?\d\.\d+ to \d\.\d+;", lines)
    fatt = re.findall(r"FATT (-?\d+) \(95 % (-?\d+) to (-?\d+)\) °C; truth (-?\d+) °C", lines)
    assert len(fatt) == 2
    assert all(abs(int(found) - int(truth)) < 10 for found, _, _, truth in fatt)
    assert all(x.accuracy_score is not None for x in opened.technicians.list())
    assert all(x.quality_score is not None for x in opened.get_images(limit=60))


def test_the_database_holds_the_whole_campaign(told, opened):
    rows = opened.get_system_health().tables

    assert (rows["images"], rows["specimens"], rows["technicians"]) == (60, 12, 4)
    assert (rows["labels"], rows["predictions"], rows["features"]) == (176, 120, 60)
    specimen = opened.specimens.get("SPEC_A01")
    assert specimen.temperature_c == -80
    assert None not in (specimen.kv_joule, specimen.le_mm, specimen.heat, specimen.orientation)


def test_labels_are_what_people_said_not_the_truth(told, opened):
    with (told[0] / "images" / "truth.csv").open(newline="") as file:
        truth = {row["filename"]: float(row["true_sfa"]) for row in csv.DictReader(file)}
    labels = list(opened.get_labels(limit=200))
    told_exactly = [x for x in labels if x.label == truth[opened.get_image(x.image_id).filename]]

    assert len(told_exactly) < len(labels) / 10


def test_labels_made_with_a_prediction_say_which(opened):
    blind = opened.get_labels(label_type="manual", limit=200)
    shown = [x for x in opened.get_labels(limit=200) if x.label_type != "manual"]

    assert (len(blind), len(shown)) == (136, 40)
    assert {x.original_prediction for x in blind} == {None}
    assert {x.model_version_used for x in shown} == {FIRST_MODEL}
    assert {x.label_type for x in shown} == {"confirmed", "corrected"}
    assert all(x.label == x.original_prediction for x in shown if x.label_type == "confirmed")


def test_nobody_verifies_their_own_label(opened):
    names = {x.id: x.technician_id for x in opened.technicians.list()}
    verified = list(opened.get_labels(is_verified=True, limit=200))

    assert len(verified) > 60
    assert all(x.verified_by != names[x.technician_id] for x in verified)


def test_one_label_was_corrected_and_its_first_value_kept(opened):
    (corrected,) = [x for x in opened.get_labels(limit=200) if x.revision > 1]
    (first,) = opened.get_label_revisions(corrected.id)

    assert first.label != corrected.label
    assert first.replaced_by == "tech_004"
    assert "measured again" in first.reason


def test_no_specimen_is_in_two_splits_and_none_moved(told, opened):
    data = opened.get_training_data(verified_only=True)
    seen = {
        name: {opened.get_image(image).specimen_id for image, _ in pairs}
        for name, pairs in data.items()
    }

    assert not seen["train"] & seen["val"]
    assert not (seen["train"] | seen["val"]) & seen["test"]
    assert any("40 of 40 earlier images kept their split" in line for line in told[1])


def test_the_second_model_is_active(opened):
    assert opened.get_active_model().version == SECOND_MODEL


def test_a_second_run_changes_no_data_and_writes_the_report_again(tmp_path):
    first = run(tmp_path, **SMALL, say=lambda _: None)
    with DatabaseManager(first.database_url) as db:
        labels, predictions = db.get_labels(limit=500), db.get_predictions(limit=500)
    first.report.unlink()
    again = run(tmp_path, **SMALL, say=lambda _: None)

    with DatabaseManager(again.database_url) as db:
        assert db.get_labels(limit=500) == labels
        assert db.get_predictions(limit=500) == predictions
    assert again.scores.model.mae == first.scores.model.mae
    assert again.report.exists()


def test_an_interrupted_run_goes_on_where_it_was(tmp_path):
    def interrupt(line):
        if "Check the labels" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "a", **SMALL, say=interrupt)
    resumed = run(tmp_path / "a", **SMALL, say=lambda _: None)
    straight = run(tmp_path / "b", **SMALL, say=lambda _: None)

    assert resumed.labels == straight.labels == 52
    assert resumed.scores.model.mae == straight.scores.model.mae


def test_another_campaign_in_the_same_folder_is_refused_and_nothing_replaced(tmp_path):
    run(tmp_path, **SMALL, say=lambda _: None)
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "images").iterdir()}

    with pytest.raises(ConflictError, match="another folder with --output, or delete"):
        run(tmp_path, **SMALL | {"seed": 20}, say=lambda _: None)
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "images").iterdir()} == before


def test_a_folder_with_somebody_elses_images_is_refused(tmp_path, draw):
    draw("images/holiday.png")

    with pytest.raises(ConflictError, match="did not draw"):
        run(tmp_path, **SMALL, say=lambda _: None)
    assert not (tmp_path / PLAN_FILE).exists()


def test_a_database_with_real_images_is_refused(tmp_path, sqlite_url, draw):
    with DatabaseManager(sqlite_url) as db:
        db.store_image(draw("mine.png"))

    with pytest.raises(ConflictError, match="holds other data"):
        run(tmp_path / "demo", **SMALL, database_url=sqlite_url, say=lambda _: None)
    with DatabaseManager(sqlite_url) as db:
        assert db.get_system_health().tables["images"] == 1
        assert db.get_system_health().tables["specimens"] == 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"specimens": 7}, "at least 8"), ({"images_per_specimen": 0}, "at least 1")],
)
def test_too_small_a_campaign_is_refused_before_anything_is_written(tmp_path, wrong, message):
    with pytest.raises(ValidationError, match=message):
        run(tmp_path / "new", **SMALL | wrong, say=lambda _: None)
    assert not (tmp_path / "new").exists()


def test_the_story_is_the_same_on_every_kind_of_database(url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here = run(tmp_path / "here", **SMALL, database_url=url, say=lambda _: None)
    file = run(tmp_path / "file", **SMALL, say=lambda _: None)

    assert here.scores.model.mae == file.scores.model.mae
    assert json.loads((tmp_path / "here" / PLAN_FILE).read_text()) == SMALL


def test_each_model_is_trained_on_a_frozen_version_that_verifies(opened):
    for model in (FIRST_MODEL, SECOND_MODEL):
        told = opened.lineage.of_model(model)
        assert told.training_data.version == f"{model}-data"
        assert opened.version_checks.verify(f"{model}-data").findings == ()
