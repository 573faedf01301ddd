"""How each kind of value is checked, and read from text; see `mlmcsc.domain.fields`."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from mlmcsc.domain.fields import Field


class Kind(StrEnum):
    """The type of a field."""

    REAL = "number"
    INTEGER = "whole number"
    TEXT = "text"
    FLAG = "true/false"
    JSON = "JSON value"
    TIMESTAMP = "date and time with time zone"
    BOX = "bounding box"
    VECTOR = "vector of numbers"


def _real(field: Field, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise field.wrong(value, "a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise field.wrong(value, "a finite number, not NaN or infinity")
    _in_limits(field, number)
    return number


def _integer(field: Field, value: Any) -> int:
    whole = isinstance(value, Integral) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not whole:
        raise field.wrong(value, "a whole number")
    number = int(value)
    if not -(2**63) <= number < 2**63:
        raise field.wrong(value, "a whole number of at most 64 bits")
    _in_limits(field, number)
    return number


def _in_limits(field: Field, number: float) -> None:
    low, high = field.minimum, field.maximum
    if (low is not None and number < low) or (high is not None and number > high):
        if high is None:
            raise field.wrong(number, f"at least {low:g}")
        if low is None:
            raise field.wrong(number, f"at most {high:g}")
        raise field.wrong(number, f"from {low:g} to {high:g}")


def _text(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise field.wrong(value, "text")
    if field.is_name:
        value = plain_name(value)
        if not value:
            raise field.wrong(value, "text that is not blank; leave it out where there is none")
    if field.choices is not None and value not in field.choices:
        raise field.wrong(value, "one of " + ", ".join(field.choices))
    if field.required and not value.strip():
        raise field.wrong(value, "text that is not blank")
    if "\x00" in value:
        raise field.wrong(value, "text without NUL characters")
    if field.max_length is not None and len(value) > field.max_length:
        raise field.wrong(value, f"at most {field.max_length} characters, it has {len(value)}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise field.wrong(value, "valid Unicode text; it holds half a surrogate pair") from None
    return str(value)


def plain_name(text: str) -> str:
    """One spelling of a name: composed Unicode (NFC), single spaces, none at the ends.

    The same name typed on macOS and on Windows, or copied with a stray or non-breaking space,
    must not become two specimens: they would leak into two splits.
    """
    return " ".join(unicodedata.normalize("NFC", text).split())


def _flag(field: Field, value: Any) -> bool:
    if type(value).__name__ in {"bool", "bool_"} or (
        isinstance(value, Integral) and value in (0, 1)
    ):
        return bool(value)
    raise field.wrong(value, "true or false")


def _json(field: Field, value: Any) -> Any:
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False, default=_plain)
        orjson.dumps(plain := json.loads(text))  # what the store will do: 64-bit, valid Unicode
    except (TypeError, ValueError, RecursionError) as error:
        raise field.wrong(value, f"storable as JSON: {error}") from None
    if _NUL.search(text):
        raise field.wrong(value, "JSON without NUL characters, which PostgreSQL cannot store")
    return plain


_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def _plain(value: Any) -> Any:
    """NumPy scalars and arrays as plain Python values."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not JSON")


def _timestamp(field: Field, value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise field.wrong(value, "a datetime")
    if value.utcoffset() is None:
        raise field.wrong(value, "a datetime with time zone, e.g. datetime.now(UTC)")
    try:
        utc = value.astimezone(UTC)
    except OverflowError:
        raise field.wrong(value, "a datetime from year 1 to 9999 in UTC") from None
    # A plain datetime, whatever subclass (pandas.Timestamp …) was given.
    return datetime.combine(utc.date(), utc.time(), UTC)


_BOX_KEYS = ("x", "y", "width", "height")
_BOX_LIMIT = "[x_min, y_min, x_max, y_max] or {'x', 'y', 'width', 'height'} in pixels, not empty"


def _box(field: Field, value: Any) -> Any:
    plain = _json(field, value)
    corners: list[Any]
    if isinstance(plain, dict) and set(plain) == set(_BOX_KEYS):
        corners = [plain[key] for key in _BOX_KEYS]
    elif isinstance(plain, list) and len(plain) == len(_BOX_KEYS):
        corners = plain
    else:
        raise field.wrong(value, _BOX_LIMIT)
    if any(isinstance(c, bool) or not isinstance(c, int | float) or c < 0 for c in corners):
        raise field.wrong(value, _BOX_LIMIT)
    x, y, right, bottom = corners
    if isinstance(plain, dict):
        right, bottom = x + right, y + bottom
    if right <= x or bottom <= y:
        raise field.wrong(value, _BOX_LIMIT)
    return plain


def _same(_field: Field, value: Any) -> Any:
    return value


def _no_underscore(text: str) -> str:
    """Python reads 0.1_5 as 0.15; in a table of measurements it is a slip."""
    if "_" in text:
        raise ValueError("not a number")
    return text


def _parse_number(field: Field, text: str) -> float:
    try:
        return float(_no_underscore(text))
    except ValueError:
        raise field.wrong(text, f"a {field.kind}") from None


def _parse_integer(field: Field, text: str) -> float:
    try:
        return int(_no_underscore(text))
    except ValueError:
        return _parse_number(field, text)


_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _parse_flag(field: Field, text: str) -> bool:
    try:
        return _WORDS[text.strip().lower()]
    except KeyError:
        raise field.wrong(text, "true or false") from None


def _parse_json(field: Field, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise field.wrong(text, f"JSON: {error}") from None


def _parse_timestamp(field: Field, text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise field.wrong(text, "an ISO 8601 time such as 2026-11-23T09:30:00+00:00") from None


CHECKS: dict[Kind, Callable[[Field, Any], Any]] = {
    Kind.REAL: _real,
    Kind.INTEGER: _integer,
    Kind.TEXT: _text,
    Kind.FLAG: _flag,
    Kind.JSON: _json,
    Kind.TIMESTAMP: _timestamp,
    Kind.BOX: _box,
    Kind.VECTOR: _same,
}
PARSERS: dict[Kind, Callable[[Field, str], Any]] = {
    Kind.REAL: _parse_number,
    Kind.INTEGER: _parse_integer,
    Kind.FLAG: _parse_flag,
    Kind.JSON: _parse_json,
    Kind.TIMESTAMP: _parse_timestamp,
    Kind.BOX: _parse_json,
    Kind.VECTOR: _parse_json,
}
