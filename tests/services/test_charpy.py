"""Charpy results: measured SFA, the table of specimens, transition curves."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mlmcsc import DatabaseManager
from mlmcsc.errors import UnknownRecordError, ValidationError

TESTED = [-100, -80, -60, -40, -20, 0, 20, 40]


def share(temperature, t50=-30.0):
    return (1 + math.tanh((temperature - t50) / 25)) / 2


@pytest.fixture
def heat(db):
    """Two bars at each temperature of heat H1, and of H2, whose transition is 20 °C higher."""
    rows = [
        {
            "specimen_id": f"{name}-{temperature}-{bar}",
            "heat": name,
            "temperature_c": temperature,
            "kv_joule": 6 + 140 * share(temperature, t50) + bar,
            "sfa_percent": 100 * share(temperature, t50),
            "sfa_method": "comparison_chart",
        }
        for name, t50 in (("H1", -30), ("H2", -10))
        for temperature in TESTED
        for bar in range(2)
    ]
    db.specimens.add_many(rows)


def test_a_measurement_is_kept_with_its_method_and_inputs_in_one_event(db, audit):
    key = db.register_specimen("S1", heat="H1")
    after = db.charpy.measure("S1", a_mm=4.2, b_mm=5.1, le_mm=1.1)
    assert after.sfa_percent == pytest.approx(73.225)
    assert (after.sfa_method, after.le_mm) == ("dimensions", 1.1)
    assert after.sfa_details["a_mm"] == 4.2
    assert after.sfa_details["standard"] == "ASTM E23 table A4.1"
    last = audit()[-1]
    assert (last.operation, last.table_name, last.record_id) == ("UPDATE", "specimens", key)
    assert last.new_values["sfa_details"] == after.sfa_details


@pytest.mark.sqlite_tells
def test_a_wrong_measurement_writes_nothing(db, refuses):
    db.register_specimen("S1")
    refuses(ValidationError, "b_mm=9", db.charpy.measure, "S1", a_mm=1, b_mm=9)
    refuses(ValidationError, "le_mm=-1", db.charpy.measure, "S1", a_mm=1, b_mm=1, le_mm=-1)
    refuses(UnknownRecordError, "specimens set S2", db.charpy.measure, "S2", a_mm=1, b_mm=1)


@pytest.mark.sqlite_tells
def test_another_sfa_does_not_keep_the_method_of_the_earlier_one(db):
    db.register_specimen("S1")
    db.charpy.measure("S1", a_mm=4, b_mm=5)
    assert db.specimens.update("S1", notes="n").sfa_method == "dimensions"
    after = db.specimens.update("S1", sfa_percent=50.0)
    assert (after.sfa_percent, after.sfa_method, after.sfa_details) == (50, None, None)
    assert db.specimens.update("S1", sfa_percent=40.0, sfa_method="photograph").sfa_method


@pytest.mark.sqlite_tells
def test_a_label_is_computed_in_the_range_of_the_database(db, image, technician, refuses, tmp_path):
    key = db.charpy.label(
        image, technician, a_mm=4, b_mm=5, notes="n", annotation_data={"points": [1]}
    )
    made = db.labels.get(key)
    assert made.label == pytest.approx(0.75)
    assert made.annotation_data["points"] == [1]
    assert made.annotation_data["sfa"]["b_mm"] == 5
    label = db.charpy.label
    refuses(ValidationError, "a_mm=11", label, image, technician, a_mm=11, b_mm=1)
    taken = {"annotation_data": {"sfa": 1}}
    refuses(
        ValidationError, "without the key 'sfa'", label, image, technician, a_mm=1, b_mm=1, **taken
    )


@pytest.mark.parametrize(("high", "label"), [(100.0, 75.0), (5.0, None)])
def test_labels_in_percent_are_an_sfa_and_others_are_not(tmp_path, draw, high, label):
    with DatabaseManager(f"sqlite:///{tmp_path}/own.db", label_range=(0.0, high)) as db:
        picture, who = db.store_image(draw("p.png")), db.register_technician("t1", "Al")
        if label is None:
            with pytest.raises(ValidationError, match="from 0 to 5"):
                db.charpy.label(picture, who, a_mm=4, b_mm=5)
        else:
            assert db.labels.get(db.charpy.label(picture, who, a_mm=4, b_mm=5)).label == label


def test_the_table_holds_what_was_measured_read_and_predicted(db, images_of, sql):
    db.register_specimen("A", heat="H1", kv_joule=50.0, sfa_percent=45.0)
    db.register_specimen("B", heat="H2")
    first, second = images_of(2, "A")
    (only,) = images_of(1, "B")
    (spoilt,) = images_of(1, "B", is_valid=False)
    ada, bo = (db.register_technician(n, n) for n in ("ada", "bo"))
    for picture, who, value in (
        (first, ada, 0.1),  # replaced by her next one
        (first, ada, 0.4),
        (first, bo, 0.5),
        (second, ada, 0.61),
        (only, ada, 0.2),
        (only, bo, 0.3),
        (spoilt, bo, 0.9),
    ):
        db.store_label(picture, who, value)
    model = db.register_model_version("v1", "net", "/m")
    db.models.set_active(model)
    for picture, value in ((first, 0.0), (first, 0.5), (second, 0.6), (only, 0.35)):
        db.store_prediction(picture, model, value, 0.9)
    db.store_prediction(only, 1, 0.9, 0.9)  # another model's

    a, b = db.charpy.table()
    assert (a.specimen_id, a.heat, a.kv_joule, a.sfa_percent) == ("A", "H1", 50, 45)
    assert a.labels.mean == pytest.approx(53)  # of 45 and 61
    assert a.labels.uncertainty == pytest.approx(8)
    assert (a.labels.images, a.labels.raters) == (2, 2)
    assert a.predictions.mean == pytest.approx(55)
    assert (a.difference, a.difference_to) == (pytest.approx(10), "measured")
    assert (b.labels.mean, b.labels.uncertainty) == (pytest.approx(25), pytest.approx(5))
    assert (b.difference, b.difference_to) == (pytest.approx(10), "labels")
    assert [row.specimen_id for row in db.charpy.table(heat="H2")] == ["B"]

    db.holds.restrict("bo", "accuracy contested")
    assert db.charpy.table(heat="H2")[0].labels.mean == pytest.approx(20)
    page = db.charpy.table(limit=1)
    assert [r.specimen_id for r in db.charpy.table(after_id=page.next_after_id)] == ["B"]


@pytest.mark.usefixtures("heat")
def test_heats_are_compared_by_their_curves(db):
    report = db.charpy.curve(heat="H1", property="sfa", compare=["H2"])
    one, two = report.curves
    assert (one.name, two.name) == ("H1", "H2")
    assert one.fit.derived[0].value == pytest.approx(-30, abs=0.01)
    assert two.fit.derived[0].value == pytest.approx(-10, abs=0.01)
    kv = db.charpy.curve(heat="H1").curves[0]
    assert kv.upper_shelf.n == 4  # at 20 °C and 40 °C
    assert kv.fit.n == 16


@pytest.mark.usefixtures("heat")
@pytest.mark.sqlite_tells
def test_what_mixes_or_lacks_specimens_says_so(db):
    db.register_specimen("X", heat="H1", kv_joule=5.0)
    assert db.charpy.curve(heat="H1").curves[0].left_out == 1
    (both,) = db.charpy.curve(together=True).curves
    assert "2 heats are fitted together: H1, H2" in both.warnings[0]


@pytest.mark.sqlite_tells
def test_too_few_bars_of_each_orientation_are_refused_with_the_way_to_fit_them_as_one(db):
    for n, temperature in enumerate(TESTED[2:7]):
        facts = {"heat": "H", "temperature_c": temperature, "orientation": ("L-T", "T-L")[n % 2]}
        db.register_specimen(f"S{n}", kv_joule=10 + 100 * share(temperature), **facts)
    with pytest.raises(ValidationError, match=r"Test at more temperatures.*--together"):
        db.charpy.curve(heat="H")
    assert db.charpy.curve(heat="H", together=True).curves


@pytest.mark.usefixtures("heat")
@pytest.mark.sqlite_tells
def test_each_heat_and_orientation_has_its_own_curve(db):
    def names(**asked):
        return [curve.name for curve in db.charpy.curve(**asked).curves]

    db.specimens.update("H1-0-0", orientation="T-L")
    assert names() == ["H1", "H2"]  # one known orientation: the others are of it
    for temperature in TESTED:
        db.specimens.update(f"H2-{temperature}-0", orientation="T-L")
        db.specimens.update(f"H2-{temperature}-1", orientation="L-T")
    assert names() == ["H1", "H2 L-T", "H2 T-L"]
    assert names(heat="H1", compare=["H2"]) == ["H1", "H2 L-T", "H2 T-L"]
    assert names(orientation="T-L", heat="H2") == ["H2"]
    assert names(heat="H1", compare=["H2"], together=True) == ["H1", "H2"]

    db.specimens.add_many([{"specimen_id": "X", "heat": "H3", "temperature_c": 5.0}])
    db.specimens.update("H1-0-0", orientation="S-T")
    db.specimens.update("H1-20-0", orientation="L-T")
    report = db.charpy.curve(material=None, property="sfa", heat="H1")
    assert [curve.name for curve in report.curves] == ["H1 of no orientation"]
    assert [(each.name, each.specimens) for each in report.not_drawn] == [
        ("H1 L-T", 1),
        ("H1 S-T", 1),
    ]
    assert "H1 L-T: SFA: the curve has 2 parameters" in report.not_drawn[0].why
    with pytest.raises(ValidationError, match=r"5 curves.* H1 L-T, .*At most 4.*together=True"):
        db.charpy.curve()


@pytest.mark.usefixtures("heat")
def test_an_sfa_may_come_from_labels_and_predictions(db, images_of):
    who = db.register_technician("ada", "Ada")
    model = db.register_model_version("v1", "net", "/m")
    with pytest.raises(UnknownRecordError, match="No model is active"):
        db.charpy.curve(heat="H1", property="sfa", source="predictions")
    db.models.set_active(model)
    for temperature in TESTED:
        (picture,) = images_of(1, f"H1-{temperature}-0")
        db.store_label(picture, who, share(temperature, -20))
        db.store_prediction(picture, model, share(temperature, -40), 0.9)
    people = db.charpy.curve(heat="H1", property="sfa", source="labels")
    assert people.curves[0].fit.derived[0].value == pytest.approx(-20, abs=0.01)
    assert (people.curves[0].fit.n, people.curves[0].left_out) == (8, 8)
    machine = db.charpy.curve(heat="H1", property="sfa", source="predictions")
    assert machine.model == "v1"
    assert machine.curves[0].fit.derived[0].value == pytest.approx(-40, abs=0.01)
    db.holds.restrict("ada", "accuracy contested")
    with pytest.raises(ValidationError, match=r"H1 .16 without .* there are 0 and 0"):
        db.charpy.curve(heat="H1", property="sfa", source="labels")


@pytest.mark.usefixtures("heat")
@pytest.mark.sqlite_tells
@pytest.mark.parametrize(
    ("asked", "error", "match"),
    [
        ({"heat": "H9"}, UnknownRecordError, "no specimen of heat 'H9'"),
        ({"heat": "H1", "compare": ["H1"]}, ValidationError, "each heat once"),
        ({"heat": "H1", "compare": list("abcd")}, ValidationError, "at most 4"),
        ({"heat": "H1", "compare": "H2"}, ValidationError, "give a list of heats"),
        ({"property": "ck"}, ValidationError, "property='ck'"),
        ({"property": "kv", "source": "labels"}, ValidationError, "measured by the machine"),
        ({"property": "sfa", "source": "x"}, ValidationError, "source='x'"),
        ({"heat": "H1", "property": "le"}, ValidationError, "H1 .16 without .*: LE: .* are 0 and"),
    ],
)
def test_what_cannot_be_drawn_is_refused(db, refuses, asked, error, match):
    refuses(error, match, db.charpy.curve, **asked)


@pytest.mark.slow
def test_a_hundred_thousand_specimens_are_listed_in_pages(db):
    n = 100_000
    temperatures = np.resize(TESTED, n)
    db.specimens.add_many(
        {
            "specimen_id": [f"S{k}" for k in range(n)],
            "temperature_c": temperatures.astype(float),
            "kv_joule": [6 + 140 * share(t) for t in temperatures.tolist()],
        },
        heat="H1",
    )
    assert len(db.charpy.table(after_id=n - 500, limit=1000)) == 500
    assert db.charpy.curve(heat="H1").curves[0].fit.n == n
