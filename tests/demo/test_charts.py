import xml.etree.ElementTree as ET

import pytest

from mlmcsc.demo.charts import (
    Curve,
    Judgement,
    Prediction,
    SplitLabel,
    labels_by_split,
    predicted_against_true,
    technician_differences,
    transition_curves,
)

PREDICTIONS = [
    Prediction(0.1, 0.15, "train", -80.0, "A"),
    Prediction(0.5, 0.45, "val", -20.0, "B"),
    Prediction(0.9, 0.95, "test", 40.0, "B"),
]
CURVES = [Curve("A", -28.0, 42.0), Curve("B", 2.0, 38.0)]
JUDGEMENTS = [Judgement("Ada", 0.5, 0.55), Judgement("Ada", 0.2, 0.22), Judgement("Jo", 0.5, 0.4)]
LABELS = [SplitLabel("train", 0.1), SplitLabel("train", 0.9), SplitLabel("test", 1.0)]


def texts(svg):
    return {element.text for element in ET.fromstring(svg).iter() if element.text}  # noqa: S314


@pytest.mark.parametrize(
    ("svg", "words"),
    [
        (
            predicted_against_true(PREDICTIONS),
            {"true shear fraction", "predicted shear fraction", "train", "val", "test"},
        ),
        (transition_curves(PREDICTIONS, CURVES), {"test temperature (°C)", "A", "B"}),
        (technician_differences(JUDGEMENTS), {"Ada", "Jo", "truth"}),
        (labels_by_split(LABELS), {"train: 2 images", "test: 1 image", "label"}),
    ],
    ids=["predicted", "transition", "technicians", "splits"],
)
def test_a_chart_names_its_axes_and_groups(svg, words):
    assert words <= texts(svg)


def test_a_chart_is_no_wider_than_a_phone():
    for svg in (
        predicted_against_true(PREDICTIONS),
        transition_curves(PREDICTIONS, CURVES),
        technician_differences(JUDGEMENTS),
        labels_by_split(LABELS),
    ):
        assert float(ET.fromstring(svg).attrib["width"]) <= 390  # noqa: S314 (our own text)


def test_a_split_that_holds_nothing_is_left_out():
    assert not any(text.startswith("val") for text in texts(labels_by_split(LABELS)))
