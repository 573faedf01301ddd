"""Keywords that narrow a listing; one left out means any."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict

from mlmcsc.errors import UnknownKeywordError, ValidationError

MAX_PAGE = 100_000


class ImageFilter(TypedDict, total=False):
    """Keywords of `get_images`."""

    image_ids: Sequence[int]
    path: str
    specimen_id: str
    is_valid: bool
    min_quality: float
    max_quality: float
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
    since: datetime
    until: datetime


class LabelFilter(TypedDict, total=False):
    """Keywords of `get_labels`."""

    image_ids: Sequence[int]
    technician_id: int
    label_type: str
    is_verified: bool
    since: datetime
    until: datetime


class FeatureFilter(TypedDict, total=False):
    """Keywords of `get_features`."""

    image_ids: Sequence[int]
    feature_type: str
    extractor_version: str


def of_image(wanted: Mapping[str, Any], image_id: int | None) -> dict[str, Any]:
    """The filter of a listing that may also be asked for one image."""
    return dict(wanted) if image_id is None else {**wanted, "image_id": image_id}


def check_listing(kind: type[Any], given: Mapping[str, Any], after_id: Any, limit: Any) -> None:
    """Refuse filters that do not exist and page sizes that make no sense.

    Raises:
        UnknownKeywordError: Naming the word, its nearest match and all allowed words.
        ValidationError: For a limit or position out of range, or a naive time.
    """
    allowed = list(kind.__annotations__)
    for name, value in given.items():
        if name not in allowed:
            near = difflib.get_close_matches(name, allowed, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise UnknownKeywordError(
                f"There is no filter {name!r}.{hint} Allowed: {', '.join(allowed)}."
            )
        if isinstance(value, datetime) and value.utcoffset() is None:
            raise ValidationError(f"{name}={value}: give it a time zone, e.g. tzinfo=UTC.")
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MAX_PAGE:
        raise ValidationError(f"limit={limit!r}: must be a whole number from 1 to {MAX_PAGE}.")
    if isinstance(after_id, bool) or not isinstance(after_id, int) or after_id < 0:
        raise ValidationError(f"after_id={after_id!r}: must be an id, or 0 for the first page.")
