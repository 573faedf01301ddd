"""Original rows as rows of the new schema; values are kept or refused, never bent."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import orjson
import sqlalchemy as sa

from mlmcsc.store.adoption.ledger import Ledger
from mlmcsc.store.adoption.local_time import TimeRule
from mlmcsc.store.adoption.original import TABLES
from mlmcsc.store.models import metadata
from mlmcsc.store.types import UtcDateTime

UTC_COLUMNS: Final = frozenset({"created_at", "updated_at"})
"""Written by SQL's clock; every other time was local."""

DEFAULTS: Final[dict[tuple[str, str], Any]] = {
    ("images", "is_valid"): 1,
    ("technicians", "is_active"): 1,
    ("technicians", "total_labels"): 0,
    ("model_versions", "is_active"): 0,
    ("labels", "label_type"): "manual",
    ("labels", "is_verified"): 0,
}
"""The original's own defaults, for columns that may no longer be NULL."""

LARGEST_ID: Final = 2**53
"""Ids beyond it would soon leave none for new rows."""


class UnfitError(ValueError):
    """A row that the new schema cannot hold; the message is the reason."""


class Converter:
    """Turns rows of one table; `columns` are those of `convert`'s results."""

    def __init__(self, table: str, rule: TimeRule, ledger: Ledger) -> None:
        self.table = table
        self.columns = TABLES[table]
        self._rule = rule
        self._ledger = ledger
        new = metadata.tables[table].c
        self._steps = [(name, self._step(new[name])) for name in self.columns]

    def convert(self, row: Sequence[Any]) -> dict[str, Any]:
        """The row's values for the driver, by column.

        Raises:
            UnfitError: A value has the wrong type or cannot be read.
        """
        return {
            name: self._absent(name) if value is None else step(name, value)
            for (name, step), value in zip(self._steps, row, strict=True)
        }

    def _absent(self, name: str) -> Any:
        default = DEFAULTS.get((self.table, name))
        if default is not None:
            self._ledger.count(f"{self.table}.{name} was NULL and became {default!r}")
        return default

    def _step(self, column: sa.Column[Any]) -> Callable[[str, Any], Any]:
        if column.primary_key:
            return _id
        if isinstance(column.type, UtcDateTime):
            return self._utc if column.name in UTC_COLUMNS else self._local
        found = next(step for kind, step in _STEPS if isinstance(column.type, kind))
        return self._specimen if column.name == "specimen_id" else found

    def _local(self, name: str, value: Any) -> str:
        return self._time(name, value, local=True)

    def _utc(self, name: str, value: Any) -> str:
        return self._time(name, value, local=False)

    def _time(self, name: str, value: Any, *, local: bool) -> str:
        try:
            return self._rule.to_utc(value, local=local)
        except ValueError as error:
            raise UnfitError(f"{name} is not a date and time: {error}") from None

    def _specimen(self, name: str, value: Any) -> str | None:
        text = _text(name, value)
        if text.strip():
            return text
        self._ledger.count(f"{self.table}.{name} was blank and became NULL")
        return None


def _id(name: str, value: Any) -> int:
    if not 0 < value <= LARGEST_ID:
        raise UnfitError(f"{name}={value}: ids go from 1 to {LARGEST_ID}")
    return int(value)


def _flag(name: str, value: Any) -> int:
    if value not in (0, 1):
        raise UnfitError(f"{name} is {_kind(value)}; it must be 0 or 1")
    return int(value)


def _whole(name: str, value: Any) -> int:
    if not isinstance(value, int):
        raise UnfitError(f"{name} is {_kind(value)}, not a whole number")
    return value


def _real(name: str, value: Any) -> float:
    if not isinstance(value, int | float):
        raise UnfitError(f"{name} is {_kind(value)}, not a number")
    if not math.isfinite(value):
        raise UnfitError(f"{name}={value}: not finite")
    return float(value)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise UnfitError(f"{name} is {_kind(value)}, not text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UnfitError(f"{name} is not valid UTF-8") from None
    return value


def _json(name: str, value: Any) -> str | None:
    if isinstance(value, int | float):  # SQLite stores a lone JSON number as a number
        return str(_real(name, value)) if isinstance(value, float) else str(value)
    text = _text(name, value)
    try:
        return None if orjson.loads(text) is None else text
    except orjson.JSONDecodeError as error:
        raise UnfitError(f"{name} is not JSON: {error}") from None


def _bytes(_name: str, value: Any) -> Any:
    return value  # the vector reader judges it


def _kind(value: Any) -> str:
    """A value's type; texts are not shown, they may be personal."""
    if isinstance(value, int | float):
        return str(value)
    return "bytes" if isinstance(value, bytes) else "text"


_STEPS: Final[tuple[tuple[type[Any], Callable[[str, Any], Any]], ...]] = (
    (sa.JSON, _json),
    (sa.Boolean, _flag),
    (sa.Integer, _whole),
    (sa.Float, _real),
    (sa.String, _text),
    (sa.LargeBinary, _bytes),
)
