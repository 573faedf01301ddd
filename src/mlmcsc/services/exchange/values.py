"""A file's cells as the values of a field."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.columns import Column
from mlmcsc.domain.fields import Field, Kind
from mlmcsc.errors import ValidationError

Reasons = dict[int, str]
_JSON_KINDS = frozenset({Kind.JSON, Kind.BOX, Kind.VECTOR})


@dataclass(frozen=True)
class Cells:
    """How one file writes values.

    Attributes:
        text: Every cell is text (CSV).
        json_text: JSON values come as text.
        decimal_comma: `0,5` is a number.
        zone: Where times without zone were written, if the caller says.
    """

    text: bool
    json_text: bool
    decimal_comma: bool
    zone: ZoneInfo | None

    def convert(
        self, wanted: Field, values: Column, factor: Fraction | None, rejected: Reasons
    ) -> Column:
        """One column in the field's type; rows that cannot be read are added to `rejected`.

        Arrays of numbers and vectors pass through: the table's own check comes later.
        """
        if wanted.kind is Kind.REAL:
            return self._numbers(wanted, values, factor, rejected)
        if self.text:
            whole = _integers(values) if wanted.kind is Kind.INTEGER else None
            return whole if whole is not None else _each(self._reader(wanted), values, rejected)
        if isinstance(values, np.ndarray) or (wanted.kind is Kind.VECTOR and not _any_text(values)):
            return values
        return _each(self._typed_reader(wanted), values, rejected)

    def _reader(self, wanted: Field) -> Callable[[str], Any]:
        if wanted.kind is Kind.TIMESTAMP:
            return lambda text: self._time(wanted, text or None)
        return wanted.parse

    def _typed_reader(self, wanted: Field) -> Callable[[Any], Any]:
        if wanted.kind is Kind.TIMESTAMP:
            return lambda value: self._time(wanted, value)
        if wanted.kind in _JSON_KINDS and (self.json_text or wanted.kind is Kind.VECTOR):
            return lambda value: (wanted.parse if isinstance(value, str) else wanted.check)(value)
        return wanted.check

    def _numbers(
        self, wanted: Field, values: Column, factor: Fraction | None, rejected: Reasons
    ) -> Column:
        array: Any = values if isinstance(values, np.ndarray) else None
        if self.text:
            try:
                array = np.fromiter(map(float, values), dtype=np.float64, count=len(values))
            except ValueError:  # empty cells, decimal commas or wrong ones: look at each
                return _each(lambda cell: self._number(wanted, cell, factor), values, rejected)
        if array is not None and array.dtype.kind in "iuf":
            numbers: Column = array
            return numbers if factor is None else scaled_column(array, factor)
        return _each(lambda value: wanted.check(_scaled_value(value, factor)), values, rejected)

    def _number(self, wanted: Field, cell: str, factor: Fraction | None) -> Any:
        text = cell
        if self.decimal_comma and "," in cell:
            if "." in cell or cell.count(",") > 1:
                raise wanted.wrong(cell, "a number with a decimal comma, without other separators")
            text = cell.replace(",", ".")
        if text == "":
            return wanted.check(None)
        try:
            number = float(text)
        except ValueError:
            raise wanted.wrong(cell, "a number") from None
        return wanted.check(number if factor is None else float(scaled(number, factor)))

    def _time(self, wanted: Field, value: Any) -> Any:
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                return wanted.parse(value)  # tells what a time looks like
        if isinstance(value, datetime) and value.utcoffset() is None:
            if self.zone is None:
                raise ValidationError(
                    f"{wanted.name}={value.isoformat()!r}: has no time zone. Write it with its "
                    "offset, e.g. 2026-11-23T09:30:00+01:00, or pass timezone='Europe/Berlin'."
                )
            value = in_zone(wanted, value, self.zone)
        return wanted.check(value)


def in_zone(wanted: Field, value: datetime, zone: ZoneInfo) -> datetime:
    """A wall-clock time as the instant it was.

    Raises:
        ValidationError: In the hour that a change of the clocks repeats or leaves out.
    """
    early, late = (value.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if early.utcoffset() != late.utcoffset():
        raise ValidationError(
            f"{wanted.name}={value.isoformat()!r}: the clocks of {zone.key} changed in this hour. "
            "Write the time with its offset."
        )
    return early.astimezone(UTC)


def scaled(number: Any, factor: Fraction) -> Any:
    """Times `factor`, as a fraction: 57 x 0.01 is 57 / 100 = 0.57, not 0.5700000000000001."""
    return number * float(factor.numerator) / float(factor.denominator)


def scaled_column(numbers: NDArray[Any], factor: Fraction) -> NDArray[np.float64]:
    """Every number times `factor`; see `scaled`."""
    made: NDArray[np.float64] = scaled(numbers.astype(np.float64), factor)
    return made


def _scaled_value(value: Any, factor: Fraction | None) -> Any:
    if factor is not None and isinstance(value, int | float) and not isinstance(value, bool):
        return scaled(value, factor)
    return value


def _any_text(values: Column) -> bool:
    return any(isinstance(value, str) for value in values)


def _integers(cells: Column) -> Column | None:
    try:
        return np.fromiter(map(int, cells), dtype=np.int64, count=len(cells))
    except (ValueError, OverflowError):
        return None


def _each(read: Callable[[Any], Any], values: Column, rejected: Reasons) -> list[Any]:
    """Every value read; equal texts once."""
    known: dict[str, Any] = {}
    found: list[Any] = []
    for index, value in enumerate(_plain(values)):
        if isinstance(value, str) and value in known:
            found.append(known[value])
            continue
        try:
            made = read(value)
        except ValidationError as error:
            rejected.setdefault(index, str(error))
            found.append(None)
            continue
        if isinstance(value, str):
            known[value] = made
        found.append(made)
    return found


def _plain(values: Column) -> Sequence[Any]:
    return values.tolist() if isinstance(values, np.ndarray) else values
