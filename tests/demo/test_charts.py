import xml.etree.ElementTree as ET

import pytest

from mlmcsc.demo.charts import (
    Prediction,
    SplitLabel,
    labels_by_split,
    predicted_against_true,
)

PREDICTIONS = [
    Prediction(0.1, 0.15, "train"),
    Prediction(0.5, 0.45, "val"),
    Prediction(0.9, 0.95, "test"),
]
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
        (labels_by_split(LABELS), {"train: 2 images", "test: 1 image", "label"}),
    ],
    ids=["predicted", "splits"],
)
def test_a_chart_names_its_axes_and_groups(svg, words):
    assert words <= texts(svg)


def test_a_chart_is_no_wider_than_a_phone():
    for svg in (
        predicted_against_true(PREDICTIONS),
        labels_by_split(LABELS),
    ):
        assert float(ET.fromstring(svg).attrib["width"]) <= 390  # noqa: S314 (our own text)


def test_a_split_that_holds_nothing_is_left_out():
    assert not any(text.startswith("val") for text in texts(labels_by_split(LABELS)))
