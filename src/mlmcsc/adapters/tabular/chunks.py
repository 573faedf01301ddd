"""What every reader yields: some rows of a file, as columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mlmcsc.domain.columns import Columns


@dataclass(frozen=True, slots=True)
class Broken:
    """A row that cannot be read as a row, and why.

    Attributes:
        line: Where it begins, counted from 1.
        reason: What is wrong with it.
        values: What could be read of it, by column.
    """

    line: int
    reason: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows.

    Attributes:
        columns: By name, equally long.
        lines: Where each row begins, counted from 1 (Parquet: the row's number).
        broken: Rows among them that could not be read.
        blank: Lines between them that say nothing, and are no rows.
    """

    columns: Columns
    lines: Sequence[int]
    broken: Sequence[Broken] = ()
    blank: int = 0

    def row(self, index: int) -> dict[str, Any]:
        """One row, by column name."""
        return {name: column[index] for name, column in self.columns.items()}


class Reader(Protocol):
    """An input file."""

    @property
    def text(self) -> bool:
        """Whether every cell is text (CSV) rather than a typed value."""
        ...

    @property
    def json_text(self) -> bool:
        """Whether JSON values are given as their text (CSV, Parquet)."""
        ...

    @property
    def decimal_comma(self) -> bool:
        """Whether `0,5` is a number: only where the semicolon separates cells."""
        ...

    @property
    def names(self) -> Sequence[str] | None:
        """The columns of every row, None where rows have columns of their own (JSON Lines)."""
        ...

    @property
    def total(self) -> int | None:
        """Number of rows, where the format tells it beforehand."""
        ...

    def chunks(self, size: int) -> Iterator[Chunk]:
        """The rows, at most `size` at a time.

        Raises:
            ValidationError: When the file as a whole cannot be read.
        """
        ...
