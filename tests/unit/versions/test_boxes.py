"""Boxes are read for certain, or not at all."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmcsc.domain.versions.boxes import Box, UnclearBoxError, of_model, of_people

WIDTH, HEIGHT = 200, 100
EDGES = {"x": 10, "y": 20, "width": 30, "height": 40}


def people(told, width=WIDTH, height=HEIGHT):
    return of_people(json.dumps(told), width, height)


def edges(boxes):
    """The boxes without the outlines that they are drawn around."""
    return tuple(replace(box, outline=()) for box in boxes)


@pytest.mark.parametrize(
    "region",
    [
        EDGES,
        {"x_min": 10, "y_min": 20, "x_max": 40, "y_max": 60},
        {"x1": 10, "y1": 20, "x2": 40, "y2": 60},
        {"bbox": EDGES},
        {"bbox": [10, 20, 40, 60], "format": "xyxy"},
        {"bbox": [10, 20, 30, 40], "bbox_format": "xywh"},
        {"detection_bbox": [10, 20, 40, 60], "format": "xyxy"},
        {"points": [[10, 20], [40, 25], [30, 60]]},
        {"polygon": [[10, 60], [40, 25], [30, 20]], "points": [1, 2]},
    ],
)
def test_a_region_is_one_box_however_it_is_told(region):
    assert edges(people({"regions": [region]})) == (Box(10, 20, 30, 40),)
    assert edges(people([region | {"label": "cleavage"}])) == (Box(10, 20, 30, 40, "cleavage"),)
    assert edges(people(region)) == (Box(10, 20, 30, 40),)


def test_a_polygon_keeps_its_outline():
    (box,) = people({"points": [[10, 20], [40, 25], [30, 60]]})
    assert box.outline == ((10, 20), (40, 25), (30, 60))


def test_the_order_may_be_told_once_for_all_regions():
    told = {"format": "xywh", "boxes": [{"bbox": [0, 0, 9, 9]}, {"bbox": [5, 5, 9, 9]}]}
    assert people(told) == (Box(0, 0, 9, 9), Box(5, 5, 9, 9))


@pytest.mark.parametrize(
    "told", [None, {"A_mm": 5.5, "B_mm": 7}, {"points": [1, 2]}, 0.5, "x", [1, 2, 3, 4], []]
)
def test_what_speaks_of_no_region_has_no_boxes(told):
    assert people(told) is None


def test_an_empty_list_of_regions_says_that_there_is_nothing():
    assert people({"regions": []}) == ()


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"bbox": [10, 20, 30, 40]}, "say 'xyxy' for corners or 'xywh'"),
        ({"bbox": [10, 20, 30, 40], "format": "coco"}, "'coco'"),
        ({"regions": [EDGES, {"note": "see above"}]}, "a region without a box"),
        ({"regions": [EDGES], "boxes": []}, "one list"),
        ({"regions": "left half"}, "one list"),
        ({"regions": [EDGES | {"x1": 1, "y1": 2, "x2": 3, "y2": 4}]}, "told in two ways"),
        ({"regions": [{"bbox": EDGES, "points": [[0, 0], [1, 0], [1, 1]]}]}, "which of them"),
        ({"bbox": [40, 60, 10, 20], "format": "xyxy"}, "an empty box"),
        (EDGES | {"width": 0}, "an empty box"),
        (EDGES | {"x": "10"}, "not all finite numbers"),
        (EDGES | {"x": True}, "not all finite numbers"),
        (EDGES | {"width": 300}, "in an image of 200 x 100 px"),
        (EDGES | {"x": -5}, "in an image of"),
        (EDGES | {"label": 5}, "a class that is no text"),
    ],
)
def test_what_may_mean_two_things_is_refused(told, why):
    with pytest.raises(UnclearBoxError, match=why):
        people(told)


def test_a_pixel_beyond_the_edge_is_rounding_and_cut_off():
    assert people({"x": 0, "y": 0, "width": 201, "height": 100.5}) == (Box(0, 0, 200, 100),)


def test_an_image_of_unknown_size_has_no_edge():
    assert people(EDGES | {"width": 300}, None, None) == (Box(10, 20, 300, 40),)


def test_a_list_of_a_model_is_corners():
    told = {"bbox": [10, 20, 40, 60], "class": None, "confidence": 0.9, "prediction_id": 7}
    assert of_model(json.dumps(told), WIDTH, HEIGHT) == (Box(10, 20, 30, 40),)
    told |= {"bbox": EDGES, "class": "surface"}
    assert of_model(json.dumps(told), WIDTH, HEIGHT) == (Box(10, 20, 30, 40, "surface"),)
    assert of_model(None, WIDTH, HEIGHT) is None
    with pytest.raises(UnclearBoxError, match="no box that can be read"):
        of_model('{"class": "surface"}', WIDTH, HEIGHT)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.sampled_from(["regions", "bbox", "x", "y", "width", "height", "points", "format"]),
            inner,
        )
    ),
    max_leaves=20,
)


@given(json_values)
def test_whatever_json_is_there_boxes_lie_in_the_image_or_are_refused(told):
    try:
        found = people(told)
    except UnclearBoxError:
        return
    for box in found or ():
        assert 0 <= box.x < box.x + box.width <= WIDTH
        assert 0 <= box.y < box.y + box.height <= HEIGHT
