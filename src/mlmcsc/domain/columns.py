"""Bulk input of any shape, as checked columns.

Accepted: an iterable of mappings or records, a mapping of columns, a NumPy structured array, a
pandas DataFrame or an Arrow table. pandas and pyarrow are recognised by their methods, never
imported.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.fields import Field, Kind, RowSpec
from mlmcsc.domain.results import Rejection
from mlmcsc.errors import RejectedRowsError, ValidationError

Column = Sequence[Any] | NDArray[Any]
Columns = dict[str, Column]

INTEGERS = {int, np.int64, np.int32}
NUMBERS = INTEGERS | {float, np.float64, np.float32}
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Checked:
    """Columns whose good rows may be stored.

    Attributes:
        columns: By name; equally long; numbers without gaps are arrays.
        size: Number of rows.
        rejected: `(row index, reason)`; the first reason of each wrong row.
    """

    columns: Columns
    size: int
    rejected: dict[int, str]

    def good(self) -> tuple[Columns, NDArray[np.int64]]:
        """The columns without the rejected rows, and the input index of each row left."""
        every = np.arange(self.size, dtype=np.int64)
        if not self.rejected:
            return self.columns, every
        keep = np.ones(self.size, dtype=bool)
        keep[list(self.rejected)] = False
        index = every[keep]
        return {name: _take(column, index) for name, column in self.columns.items()}, index

    def rejections(self) -> tuple[Rejection, ...]:
        """The wrong rows, for a result."""
        return tuple(Rejection(f"row {i}", self.rejected[i]) for i in sorted(self.rejected))

    def refuse_if_any(self, table: str) -> None:
        """All or nothing.

        Raises:
            RejectedRowsError: If any row is wrong; the first few are in the message.
        """
        if self.rejected:
            rows = sorted(self.rejected.items())
            shown = "; ".join(f"row {i}: {reason}" for i, reason in rows[:SHOWN])
            more = f"; and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
            raise RejectedRowsError(
                f"{len(rows)} of {self.size} rows for {table} are wrong, nothing was stored: "
                f"{shown.rstrip('.')}{more}. Mend them, or pass on_error='collect' to store the "
                "others.",
                rows,
            )


def _take(column: Column, index: NDArray[np.int64]) -> Column:
    return column[index] if isinstance(column, np.ndarray) else [column[i] for i in index.tolist()]


def to_columns(data: Any) -> Columns:
    """Turn bulk input into columns; missing keys become None, and None is no columns.

    Raises:
        ValidationError: If the input has none of the accepted shapes, or ragged columns.
    """
    if data is None:
        return {}
    if hasattr(data, "column_names") and hasattr(data, "column"):  # Arrow
        return {name: _arrow_values(data.column(name)) for name in data.column_names}
    if hasattr(data, "columns") and hasattr(data, "itertuples"):  # pandas
        if len(data) and not len(data.columns):
            raise ValidationError(f"The table has {len(data)} rows but no column.")
        return {str(name): _pandas_values(data[name]) for name in data.columns}
    if isinstance(data, np.ndarray):
        if data.dtype.names is None:
            raise ValidationError(
                f"An array of shape {data.shape} has no column names. Pass a structured array, or "
                "a mapping of columns such as {'image_id': ids, 'prediction': values}."
            )
        return {name: data[name] for name in data.dtype.names}
    if isinstance(data, Mapping):
        return _equal_lengths({str(name): _sequence(name, data[name]) for name in data})
    if isinstance(data, str | bytes) or not isinstance(data, Iterable):
        raise ValidationError(
            f"{type(data).__name__} is not bulk data. Pass rows (mappings or records), a mapping "
            "of columns, a DataFrame, an Arrow table or a structured array."
        )
    return _from_rows(list(data))


def _from_rows(rows: list[Any]) -> Columns:
    plain = [row if isinstance(row, Mapping) else _as_mapping(row, i) for i, row in enumerate(rows)]
    names = dict.fromkeys(name for row in plain for name in row)
    if plain and not names:
        raise ValidationError(f"The {len(plain)} rows are empty: no field has a value.")
    return {str(name): [row.get(name) for row in plain] for name in names}


def _as_mapping(row: Any, index: int) -> Mapping[str, Any]:
    if hasattr(row, "to_dict"):
        mapping: Mapping[str, Any] = row.to_dict()
        return mapping
    if hasattr(row, "_asdict"):
        named: Mapping[str, Any] = row._asdict()  # a named tuple's public method
        return named
    raise ValidationError(
        f"row {index} is a {type(row).__name__}. Rows must be mappings, records or named tuples."
    )


def _sequence(name: Any, values: Any) -> Column:
    if isinstance(values, np.ndarray):
        return values
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise ValidationError(f"column {name!r} is a {type(values).__name__}; give a sequence.")
    return list(values)


def _equal_lengths(columns: Columns) -> Columns:
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValidationError(f"Columns differ in length: {lengths}. Give one value per row.")
    return columns


def _arrow_values(column: Any) -> Column:
    if column.null_count == 0 and str(column.type) in {"int64", "int32", "double", "float"}:
        array: NDArray[Any] = column.to_numpy()
        return array
    values: list[Any] = column.to_pylist()
    return values


def _pandas_values(series: Any) -> Column:
    """Pandas writes a missing value as NaN; here it is None."""
    if isinstance(series.dtype, np.dtype) and series.dtype.kind in "iub":
        array: NDArray[Any] = series.to_numpy()
        return array
    missing = series.isna().to_numpy()
    values = series.to_numpy()
    if not missing.any() and values.dtype.kind == "f":
        return values  # type: ignore[no-any-return]  # pandas has no types here
    return [
        None if gone else _python_time(value)
        for value, gone in zip(series.tolist(), missing, strict=True)
    ]


def _python_time(value: Any) -> Any:
    return value.to_pydatetime() if hasattr(value, "to_pydatetime") else value


def read_input(spec: RowSpec, data: Any, common: Mapping[str, Any]) -> Checked:
    """Bulk input and the fields given beside it, checked; see `to_columns`, `check_columns`.

    Arrays, lists, tuples and Series among `common` are read row by row, anything else stands for
    every row; so does a list for a JSON field or a box, whose single value it is.

    Raises:
        ValidationError: If a field is given both ways, lengths differ, or no field has rows.
        UnknownKeywordError: For a column that the table does not have.
    """
    columns = to_columns(data)
    both = common.keys() & columns.keys()
    if both:
        raise ValidationError(f"{', '.join(sorted(both))}: given for each row and for all rows.")
    spec.known(common)
    arrays: Columns = {n: _sequence(n, v) for n, v in common.items() if _by_row(spec.by_name[n], v)}
    if data is None and not arrays:
        raise ValidationError(
            f"Nothing to store in {spec.table}: no field has a value per row. Pass rows, columns "
            "or arrays; the singular call stores one."
        )
    columns = _equal_lengths(columns | arrays)
    size = max((len(column) for column in columns.values()), default=0)
    rest = {n: [v] * size for n, v in common.items() if n not in arrays}
    return check_columns(spec, columns | rest)


def _by_row(field: Field, value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    if field.kind in {Kind.JSON, Kind.BOX}:
        return False
    return isinstance(value, list | tuple | range) or hasattr(value, "to_numpy")


def check_columns(spec: RowSpec, columns: Columns) -> Checked:
    """Check every column against its field.

    Raises:
        UnknownKeywordError: For a column that the table does not have.
    """
    spec.known(columns)
    size = max((len(column) for column in columns.values()), default=0)
    rejected: dict[int, str] = {}
    checked: Columns = {}
    for field in spec.fields:
        if field.name in columns:
            checked[field.name] = _check_column(field, columns[field.name], rejected)
        elif field.required and size:
            field.check(None)
        elif field.required:
            checked[field.name] = []
    return Checked(checked, size, rejected)


def _check_column(field: Field, values: Column, rejected: dict[int, str]) -> Column:
    if field.kind in {Kind.REAL, Kind.INTEGER}:
        fast = _numbers(field, values)
        if fast is not None:
            return fast
    if field.kind is Kind.VECTOR:
        return values
    checked: list[Any] = []
    for index, value in enumerate(values):
        try:
            checked.append(field.check(value))
        except ValidationError as error:
            rejected.setdefault(index, str(error))
            checked.append(None)
    return checked


def _numbers(field: Field, values: Column) -> Column | None:
    """The whole column at once, if every number is fine; else None, to look at each."""
    wanted = np.int64 if field.kind is Kind.INTEGER else np.float64
    if not isinstance(values, np.ndarray):
        # Mixed with floats, an integer beyond 2**53 would lose digits.
        if not set(map(type, values)) <= (INTEGERS if wanted is np.int64 else NUMBERS):
            return None
        with contextlib.suppress(OverflowError):
            values = np.asarray(values)
    if not isinstance(values, np.ndarray) or values.ndim != 1 or values.dtype.kind not in "iuf":
        return None
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        return None
    with np.errstate(invalid="ignore"):  # beyond 64 bits: seen below, told row by row
        array = values.astype(wanted, copy=False)
    if wanted is np.int64 and not (array == values).all():
        return None
    low = -math.inf if field.minimum is None else field.minimum
    high = math.inf if field.maximum is None else field.maximum
    if len(array) and (array.min() < low or array.max() > high):
        return None
    return array
