"""One import: read, sort out, look up, write, and account for every row."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from mlmcsc.adapters.tabular import Chunk, Reader, RejectedRows
from mlmcsc.domain.columns import Column, Columns
from mlmcsc.domain.fields import Field, Kind
from mlmcsc.domain.results import Rejection
from mlmcsc.errors import ValidationError
from mlmcsc.services.exchange.mapping import Bound, Mapper, Source
from mlmcsc.services.exchange.references import Lookup
from mlmcsc.services.exchange.reports import MOST_NOTES, MOST_REJECTIONS
from mlmcsc.services.exchange.values import Cells, Reasons
from mlmcsc.services.exchange.writers import Writer, Written, take

SEEDED = {"model_versions": ("version", "unversioned")}
"""A row that every database is created with, so that every export has it."""

CHUNK_ROWS = 20_000
CHUNK_VECTORS = 2_000
"""Rows in memory at a time; vectors are the larger by far."""


@dataclass(slots=True)
class Tally:
    """The report in the making."""

    rejects: RejectedRows
    read: int = 0
    stored: int = 0
    unchanged: int = 0
    rejected: list[Rejection] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    blank: int = 0

    def reject(self, line: int, reason: str, values: Mapping[str, Any]) -> None:
        """Account for one wrong row."""
        self.rejects.add(line, reason, values)
        if len(self.rejected) < MOST_REJECTIONS:
            self.rejected.append(Rejection(f"line {line}", reason))

    def note(self, text: str) -> None:
        """Tell something once."""
        if text not in self.notes and len(self.notes) < MOST_NOTES:
            self.notes.append(text)


@dataclass(frozen=True)
class Import:
    """The checked arguments of one import.

    Attributes:
        path: The file.
        reader: Its open reader.
        mapper: Which column fills which field.
        cells: How the file writes values.
        common: Values for all rows, by target.
        progress: Called with rows done and rows in all, where known.
    """

    path: Path
    reader: Reader
    mapper: Mapper
    cells: Cells
    common: Mapping[str, Any]
    progress: Callable[[int, int | None], None] | None

    def feed(self, lookup: Lookup, writer: Writer, tally: Tally) -> None:
        """Bring every row of the file to `writer`.

        Raises:
            ValidationError: The file or its header is wrong.
        """
        bound: dict[tuple[str, ...], Bound] = {}
        seen: set[str] = set()
        size = CHUNK_VECTORS if self.mapper.spec.table == "features" else CHUNK_ROWS
        for chunk in self.reader.chunks(size):
            names = tuple(chunk.columns)
            if names not in bound:
                bound[names] = self._bind(names, tally)
                seen.update(names)
            self._write(chunk, bound[names], lookup, writer, tally)
            tally.read += len(chunk.lines) + len(chunk.broken)
            tally.blank += chunk.blank
            if self.progress is not None:
                self.progress(tally.read, self.reader.total)
        self._all_mapped(seen)
        if tally.blank:
            lines = "1 blank line" if tally.blank == 1 else f"{tally.blank:,} blank lines"
            tally.note(f"passed over: {lines}")

    def check_header(self) -> None:
        """Refuse a file whose columns do not fit, where one header tells those of all rows.

        Raises:
            UnknownKeywordError: For a column that the table does not know.
            ValidationError: For a column that is mapped but absent, given twice or lacking.
        """
        names = self.reader.names
        if names is not None:
            self._all_mapped(set(names))
            self.mapper.require_all(self.mapper.bind(names))

    def _bind(self, names: tuple[str, ...], tally: Tally) -> Bound:
        bound = self.mapper.bind(names)
        if bound.skipped:
            tally.note(f"passed over, mlmcsc fills them itself: {', '.join(bound.skipped)}")
        if bound.ignored:
            tally.note(f"passed over, as asked: {', '.join(bound.ignored)}")
        return bound

    def _all_mapped(self, names: set[str]) -> None:
        absent = [name for name in self.mapper.mapping if name not in names]
        if absent and names:
            raise ValidationError(
                f"{self.path} has no column {', '.join(map(repr, absent))}; it has "
                f"{', '.join(map(repr, sorted(names)))}. Correct the mapping."
            )

    def _write(
        self, chunk: Chunk, bound: Bound, lookup: Lookup, writer: Writer, tally: Tally
    ) -> None:
        rejected: Reasons = {}
        size = len(chunk.lines)
        seeded = self._seeded(chunk, bound)
        columns = {
            s.field: self._column(s, chunk.columns[s.column], self.cells, lookup, rejected)
            for s in bound.sources
        }
        for name, value in self.common.items():
            columns[self.mapper.field_of(name)] = self._common(name, value, size, lookup)
        self._require(columns, size, rejected)
        good = [i for i in range(size) if i not in rejected and i not in seeded]
        whole = columns if len(good) == size else take(columns, good)
        written = writer(_without_empty(whole), len(good)) if good else Written()
        tally.stored += written.stored
        tally.unchanged += written.unchanged + len(seeded)
        for text in written.notes:
            tally.note(text)
        rejected |= {good[i]: reason for i, reason in written.rejected.items()}
        wrong: list[tuple[int, str, Mapping[str, Any]]] = [
            (chunk.lines[i], rejected[i], chunk.row(i)) for i in rejected if i not in seeded
        ]
        wrong += [(b.line, b.reason, b.values) for b in chunk.broken]
        for line, reason, values in sorted(wrong, key=lambda w: w[0]):
            tally.reject(line, reason, values)

    def _seeded(self, chunk: Chunk, bound: Bound) -> set[int]:
        """Rows that every database has; nothing to do for them."""
        key, value = SEEDED.get(self.mapper.spec.table, ("", ""))
        column = next((s.column for s in bound.sources if s.field == key), None)
        if column is None:
            return set()
        return {i for i, cell in enumerate(chunk.columns[column]) if cell == value}

    def _column(
        self, source: Source, values: Column, cells: Cells, lookup: Lookup, rejected: Reasons
    ) -> Column:
        if source.target != source.field:
            return _ids(lookup.ids(source.target, _texts(values), rejected))
        if self._names_technician(source.target):
            return _ids(lookup.technician_ids(_texts(values), rejected))
        wanted = self.mapper.targets()[source.target]
        return cells.convert(wanted, values, source.factor, rejected)

    def _names_technician(self, target: str) -> bool:
        """Whether the target is the column that holds ids or staff numbers."""
        return target == "technician_id" and self.mapper.spec.table != "technicians"

    def _common(self, name: str, value: Any, size: int, lookup: Lookup) -> Column:
        """One value for every row; what is wrong with it is wrong for all.

        Raises:
            ValidationError: If it is wrong.
        """
        wanted = self.mapper.targets()[name]
        readable = wanted.kind not in {Kind.TEXT, Kind.TIMESTAMP}
        if isinstance(value, str) and readable and not self._names_technician(name):
            value = wanted.parse(value)
        wrong: Reasons = {}
        typed = replace(self.cells, text=False, json_text=False)
        made = self._column(
            Source(name, name, self.mapper.field_of(name)), [value], typed, lookup, wrong
        )
        if wrong:
            raise ValidationError(f"For all rows: {wrong[0]}")
        return [made[0]] * size

    def _require(self, columns: Columns, size: int, rejected: Reasons) -> None:
        """Reject rows that lack a required value, telling what belongs there."""
        for wanted in self.mapper.spec.fields:
            if not wanted.required:
                continue
            values = columns.get(wanted.name)
            if isinstance(values, np.ndarray):
                continue
            lacking = range(size) if values is None else _gaps(values)
            for index in lacking:
                rejected.setdefault(index, _missing(wanted))


def _missing(wanted: Field) -> str:
    return f"{wanted.name} is missing: give a {wanted.kind} ({wanted.help})."


def _gaps(values: Any) -> list[int]:
    return [index for index, value in enumerate(values) if value is None]


def _texts(values: Column) -> list[Any]:
    plain = values.tolist() if isinstance(values, np.ndarray) else values
    return [None if value == "" else value for value in plain]


def _ids(found: list[int | None]) -> Column:
    """As an array where there are no gaps: that is checked fastest."""
    if None in found:
        return found
    return np.asarray(found, dtype=np.int64)


def _without_empty(columns: Columns) -> Columns:
    """Leave out what no row says, as if it had not been there."""
    return {
        name: values
        for name, values in columns.items()
        if isinstance(values, np.ndarray) or any(value is not None for value in values)
    }


def folder_of(path: Path) -> str:
    """What relative paths in the file are relative to."""
    return os.path.dirname(os.path.abspath(path))
