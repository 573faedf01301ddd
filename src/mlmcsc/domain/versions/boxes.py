"""Bounding boxes in what people annotated and models detected.

A model's `detection_bbox` is checked when it is stored: a list is `[x_min, y_min, x_max, y_max]`,
an object has `x`, `y`, `width`, `height`; pixels from the upper left corner. `annotation_data` is
free JSON. Understood there are regions in a list, or under `regions`, `boxes`, `bboxes` or
`annotations`, or one region by itself; each an object, with an optional class name under `class`,
`label`, `name` or `category`, and

* `x`, `y`, `width`, `height`; or `x_min`, `y_min`, `x_max`, `y_max`; or `x1`, `y1`, `x2`, `y2`; or
* such an object, or a list of four, under `bbox`, `box` or `detection_bbox`; or
* `points` or `polygon`: at least three `[x, y]`, of which the box is the smallest around them.

A list of four under `bbox` may be corners or, as in COCO, corner and size. Which one is never
guessed: `format` (or `bbox_format`) beside it, or beside the regions, says `xyxy` or `xywh`. A row
with anything that is not understood has no boxes at all: half of them would teach a model that the
rest is background.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mlmcsc.domain.records import Record

DEFAULT_CLASS: Final = "fracture_surface"
ROUNDING: Final = 1.0
"""Pixels by which a box may reach beyond the image: some programs count corners from 1."""
MOST_NAME: Final = 100

_LISTS = ("regions", "boxes", "bboxes", "annotations")
_NESTED = ("bbox", "box", "detection_bbox")
_NAMES = ("class", "label", "name", "category", "detection_class")
_FORMATS = ("format", "bbox_format")
_SIZED = ("x", "y", "width", "height")
_CORNERS = (("x_min", "y_min", "x_max", "y_max"), ("x1", "y1", "x2", "y2"))
_FOUR = 4
_TRIANGLE = 3


@dataclass(frozen=True, slots=True)
class Box(Record):
    """A rectangle in an image.

    Attributes:
        x: Left edge in pixels, from the left of the image.
        y: Upper edge in pixels, from its top.
        width: Pixels, above 0.
        height: Pixels, above 0.
        name: Class of what is in it.
        outline: The polygon around which it is the smallest box, if it was drawn as one.
    """

    x: float
    y: float
    width: float
    height: float
    name: str = DEFAULT_CLASS
    outline: tuple[tuple[float, float], ...] = ()

    @property
    def area(self) -> float:
        """Square pixels: of the polygon (shoelace formula), else of the box."""
        if not self.outline:
            return self.width * self.height
        pairs = zip(self.outline, (*self.outline[1:], self.outline[0]), strict=True)
        return abs(sum(x * v - u * y for (x, y), (u, v) in pairs)) / 2


Boxes = tuple[Box, ...]
Edges = tuple[float, float, float, float]
"""Left, top, right and bottom."""


class UnclearBoxError(ValueError):
    """Something is there that may be a box, and cannot be read for certain."""


def of_people(annotation: str | None, width: int | None, height: int | None) -> Boxes | None:
    """The boxes of a frozen annotation; None where it has none, empty where it says so.

    Args:
        annotation: JSON text.
        width: Of the image in pixels, None where unknown.
        height: Likewise.

    Raises:
        UnclearBoxError: A region cannot be read for certain; the message says why.
    """
    told = None if annotation is None else json.loads(annotation)
    if isinstance(told, Mapping):
        named = [key for key in _LISTS if key in told]
        if not named:
            found = _region(told, told)
            return None if found is None else _inside([found], width, height)
        if len(named) > 1 or not isinstance(told[named[0]], list):
            raise UnclearBoxError(f"{', '.join(named)}: give one list of regions")
        return _regions(told[named[0]], told, width, height)
    if isinstance(told, list) and any(isinstance(each, Mapping) for each in told):
        return _regions(told, {}, width, height)
    return None


def of_model(detection: str | None, width: int | None, height: int | None) -> Boxes | None:
    """The box of a frozen detection; None where there is none.

    Raises:
        UnclearBoxError: It is not such as predictions have, or lies outside the image.
    """
    told = None if detection is None else json.loads(detection)
    if told is None:
        return None
    if isinstance(told, list):
        told = {"bbox": told}
    found = _region(told, {"format": "xyxy"}) if isinstance(told, Mapping) else None
    if found is None:
        raise UnclearBoxError("the detection has no box that can be read")
    return _inside([found], width, height)


def _regions(
    told: Sequence[Any], around: Mapping[str, Any], width: int | None, height: int | None
) -> Boxes:
    found = []
    for each in told:
        box = _region(each, around) if isinstance(each, Mapping) else None
        if box is None:
            raise UnclearBoxError("a region without a box, corners, size or polygon")
        found.append(box)
    return _inside(found, width, height)


def _region(region: Mapping[str, Any], around: Mapping[str, Any]) -> Box | None:
    """The box of one region; None where it does not speak of one."""
    nested = [key for key in _NESTED if region.get(key) is not None]
    polygons = [key for key in ("points", "polygon") if _is_polygon(region.get(key))]
    if len(nested) + len(polygons) > 1:
        raise UnclearBoxError(f"{', '.join(nested + polygons)}: which of them is meant?")
    outline: tuple[tuple[float, float], ...] = ()
    if nested:
        edges: Edges | None = _edges(region[nested[0]], _format(region, around))
    elif polygons:
        outline = tuple((float(x), float(y)) for x, y in region[polygons[0]])
        x, y = zip(*outline, strict=True)
        edges = (min(x), min(y), max(x), max(y))
    else:
        edges = _keyed(region)
    if edges is None:
        return None
    left, top, right, bottom = edges
    if right <= left or bottom <= top:
        raise UnclearBoxError(f"an empty box: {list(edges)} as left, top, right, bottom")
    return Box(left, top, right - left, bottom - top, _name(region), outline)


def _format(region: Mapping[str, Any], around: Mapping[str, Any]) -> Any:
    told = [each[key] for each in (region, around) for key in _FORMATS if key in each]
    return told[0] if told else None


def _edges(box: Any, order: Any) -> Edges:
    if isinstance(box, Mapping):
        found = _keyed(box)
        if found is not None:
            return found
    elif isinstance(box, list) and len(box) == _FOUR:
        a, b, c, d = _numbers(box)
        if order == "xyxy":
            return a, b, c, d
        if order == "xywh":
            return a, b, a + c, b + d
        raise UnclearBoxError(
            f"a list of four numbers with format {order!r}: say 'xyxy' for corners or 'xywh' for "
            "corner and size"
        )
    raise UnclearBoxError("a box that is neither four numbers nor an object with them")


def _keyed(told: Mapping[str, Any]) -> Edges | None:
    forms = [keys for keys in (_SIZED, *_CORNERS) if all(key in told for key in keys)]
    if not forms:
        return None
    if len(forms) > 1:
        raise UnclearBoxError("a box told in two ways")
    a, b, c, d = _numbers([told[key] for key in forms[0]])
    return (a, b, a + c, b + d) if forms[0] is _SIZED else (a, b, c, d)


def _numbers(values: Sequence[Any]) -> list[float]:
    if not all(_is_number(value) for value in values):
        raise UnclearBoxError("a box whose edges are not all finite numbers")
    return [float(value) for value in values]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_polygon(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) >= _TRIANGLE
        and all(
            isinstance(point, list) and len(point) == 2 and all(map(_is_number, point))  # noqa: PLR2004  # x and y
            for point in value
        )
    )


def _name(region: Mapping[str, Any]) -> str:
    told = [region[key] for key in _NAMES if region.get(key) is not None]
    if not told:
        return DEFAULT_CLASS
    if not isinstance(told[0], str) or not told[0].strip() or len(told[0]) > MOST_NAME:
        raise UnclearBoxError(f"a class that is no text of at most {MOST_NAME} characters")
    return told[0].strip()


def _inside(boxes: Sequence[Box], width: int | None, height: int | None) -> Boxes:
    """The boxes cut to the image; one that is outside is refused, where the size is known."""
    return tuple(_cut(each, width or math.inf, height or math.inf) for each in boxes)


def _cut(box: Box, width: float, height: float) -> Box:
    right, bottom = box.x + box.width, box.y + box.height
    beyond = max(-box.x, -box.y, right - width, bottom - height)
    if beyond > ROUNDING:
        raise UnclearBoxError(
            f"a box from ({box.x:g}, {box.y:g}) to ({right:g}, {bottom:g}) px in an image of "
            f"{width:g} x {height:g} px"
        )
    if beyond <= 0:
        return box
    left, top = max(box.x, 0.0), max(box.y, 0.0)
    across, down = min(right, width) - left, min(bottom, height) - top
    if across <= 0 or down <= 0:
        raise UnclearBoxError("a box outside the image")
    outline = tuple((min(max(x, 0.0), width), min(max(y, 0.0), height)) for x, y in box.outline)
    return Box(left, top, across, down, box.name, outline)
