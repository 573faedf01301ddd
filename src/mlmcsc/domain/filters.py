"""Keywords that narrow a listing; one left out means any."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, TypedDict

from mlmcsc.domain.fields import Field, Kind
from mlmcsc.errors import UnknownKeywordError

MAX_PAGE = 100_000


class ImageFilter(TypedDict, total=False):
    """Keywords of `get_images`."""

    image_ids: Sequence[int]
    path: str | os.PathLike[str]
    specimen_id: str
    is_valid: bool
    min_quality: float
    max_quality: float
    below_quality: float
    without: Literal["specimen", "magnification", "pixel_size", "score"]
    format: str
    labelled: bool
    since: datetime
    until: datetime


class PredictionFilter(TypedDict, total=False):
    """Keywords of `get_predictions`."""

    image_ids: Sequence[int]
    model_version_id: int
    min_confidence: float
    max_confidence: float
    below_confidence: float
    since: datetime
    until: datetime


class LabelFilter(TypedDict, total=False):
    """Keywords of `get_labels`."""

    image_ids: Sequence[int]
    technician_id: int
    label_type: str
    is_verified: bool
    by_people: bool
    since: datetime
    until: datetime


class SpecimenFilter(TypedDict, total=False):
    """Keywords of `specimens.list`."""

    heat: str | None
    material: str | None


class FeatureFilter(TypedDict, total=False):
    """Keywords of `get_features`."""

    image_ids: Sequence[int]
    feature_type: str
    extractor_version: str


def check_listing(
    kind: type[Any],
    given: Mapping[str, Any],
    after_id: Any,
    limit: Any,
    *,
    image_id: Any = None,
) -> dict[str, Any]:
    """Check what a listing is asked for, and return the filters as they are stored.

    Args:
        kind: The filters that exist.
        given: The filters asked for; None means any.
        after_id: The last id of the page before, 0 for the first page.
        limit: Records per page, 1 to `MAX_PAGE`.
        image_id: Of one image only.

    Returns:
        The filters that narrow, as plain Python values; times in UTC.

    Raises:
        UnknownKeywordError: Naming the word, its nearest match and all allowed words.
        ValidationError: Naming the filter, the value and its limit.
    """
    check_page(after_id, limit)
    allowed = list(kind.__annotations__)
    for name in given:
        if name not in allowed:
            near = difflib.get_close_matches(name, allowed, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise UnknownKeywordError(
                f"There is no filter {name!r}.{hint} Allowed: {', '.join(allowed)}."
            )
    asked = {**given, "image_id": image_id}
    return {name: _check(name, value) for name, value in asked.items() if value is not None}


def check_page(after_id: Any, limit: Any) -> None:
    """Refuse page sizes and positions that make no sense.

    Raises:
        ValidationError: Naming the value and its limit.
    """
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MAX_PAGE:
        raise LIMIT.wrong(limit, f"a whole number from 1 to {MAX_PAGE}")
    if isinstance(after_id, bool) or not isinstance(after_id, int) or not 0 <= after_id < 2**63:
        raise AFTER_ID.wrong(after_id, "an id, or 0 for the first page")


def _check(name: str, value: Any) -> Any:
    if name == "image_ids":
        return _ids(value)
    if name == "path" and isinstance(value, os.PathLike):
        value = os.fspath(value)
    return FIELDS[name].check(value)


def _ids(value: Any) -> list[int]:
    listed = isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)
    ids = list(value) if listed and getattr(value, "ndim", 1) == 1 else [None]
    if any(each is None for each in ids):
        raise IMAGE_IDS.wrong(value, "a list of image ids such as [17, 18]")
    return [IMAGE_IDS.check(each) for each in ids]


def _id(name: str, what: str) -> Field:
    return Field(name, Kind.INTEGER, f"id of {what}", required=True, minimum=1)


def _text(name: str, text: str) -> Field:
    return Field(name, Kind.TEXT, text)


def _fraction(name: str, text: str) -> Field:
    return Field(name, Kind.REAL, text, minimum=0.0, maximum=1.0)


LIMIT = Field("limit", Kind.INTEGER, "records per page")
AFTER_ID = Field("after_id", Kind.INTEGER, "begin after this id")
IMAGE_IDS = _id("image_ids", "an image")
FIELDS = {
    field.name: field
    for field in (
        _id("image_id", "an image"),
        _id("model_version_id", "a model version"),
        _id("technician_id", "a technician, as `register_technician` returned it"),
        _text("path", "path of the image file"),
        _text("specimen_id", "specimen number"),
        _text("format", "file format, e.g. TIFF"),
        _text("heat", "heat (melt) number"),
        _text("material", "material or steel grade"),
        _text("label_type", "how the label came about"),
        _text("feature_type", "kind of feature"),
        _text("extractor_version", "version of the extractor"),
        Field("is_valid", Kind.FLAG, "may be used for training"),
        Field("labelled", Kind.FLAG, "has any label"),
        Field("is_verified", Kind.FLAG, "checked by a second person"),
        Field("by_people", Kind.FLAG, "not a consensus of several people"),
        _fraction("min_quality", "least image quality"),
        _fraction("max_quality", "largest image quality"),
        _fraction("below_quality", "image quality less than"),
        Field(
            "without",
            Kind.TEXT,
            "field that is not known",
            choices=("specimen", "magnification", "pixel_size", "score"),
        ),
        _fraction("min_confidence", "least confidence"),
        _fraction("max_confidence", "largest confidence"),
        _fraction("below_confidence", "confidence less than"),
        Field("min_label", Kind.REAL, "least label"),
        Field("max_label", Kind.REAL, "largest label"),
        Field("since", Kind.TIMESTAMP, "at or after"),
        Field("until", Kind.TIMESTAMP, "before"),
    )
}
"""Every filter of every listing, as strict as the fields that are stored."""
