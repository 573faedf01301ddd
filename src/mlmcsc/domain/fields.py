"""What a value must look like before it may be stored: one description, used everywhere.

Keyword calls, bulk columns, CSV imports and `--map` all check against the same `Field`, so a
value that one door refuses cannot come in by another.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from mlmcsc.domain.checks import CHECKS, PARSERS, Kind, plain_name
from mlmcsc.errors import UnknownKeywordError, ValidationError

__all__ = ["Field", "Kind", "RowSpec", "plain_name"]


@dataclass(frozen=True)
class Field:
    """One storable value.

    Attributes:
        name: Keyword, column and CSV header.
        kind: Type.
        help: Meaning and unit, shown in messages and in the reference.
        required: Whether a row without it is refused.
        minimum: Smallest allowed number, inclusive.
        maximum: Largest allowed number, inclusive.
        max_length: Longest allowed text, in characters.
        choices: The only allowed texts.
        in_label_range: Limits come from the database's label range.
        references: The table whose id this is.
        is_name: A name that rows are found by: stored as `plain_name` writes it.
    """

    name: str
    kind: Kind
    help: str
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    max_length: int | None = None
    choices: tuple[str, ...] | None = None
    in_label_range: bool = False
    references: str | None = None
    is_name: bool = False

    def check(self, value: Any) -> Any:
        """Return `value` in its stored type.

        Raises:
            ValidationError: Naming the field, the value and the limit.
        """
        if value is None:
            if self.required:
                raise ValidationError(f"{self.name} is missing: give a {self.kind} ({self.help}).")
            return None
        return CHECKS[self.kind](self, value)

    def parse(self, text: str) -> Any:
        """Read a CSV cell or command-line word; empty text is None.

        Raises:
            ValidationError: If the text does not read as this field.
        """
        if text == "":
            return self.check(None)
        parser = PARSERS.get(self.kind)
        return self.check(parser(self, text) if parser else text)

    def wrong(self, value: Any, limit: str) -> ValidationError:
        """The error for a value that breaks `limit`."""
        try:
            shown = repr(value)
        except (ValueError, RecursionError):  # an integer beyond 4300 digits; endless nesting
            shown = f"{type(value).__name__} beyond writing"
        if len(shown) > _SHOWN:
            shown = shown[:_SHOWN] + "…"
        return ValidationError(f"{self.name}={shown}: must be {limit} ({self.help}).")


_SHOWN = 80


@dataclass(frozen=True)
class RowSpec:
    """The storable fields of one table.

    Attributes:
        table: Table name.
        fields: In their documented order.
    """

    table: str
    fields: tuple[Field, ...]

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """Fields by name."""
        return {field.name: field for field in self.fields}

    def within(self, low: float, high: float) -> RowSpec:
        """The same table in a database whose label range is `low`..`high`."""
        return RowSpec(
            self.table,
            tuple(
                replace(f, minimum=low, maximum=high) if f.in_label_range else f
                for f in self.fields
            ),
        )

    def known(self, names: Iterable[str]) -> None:
        """Refuse unknown names.

        Raises:
            UnknownKeywordError: Naming the word, its nearest match and all allowed words.
        """
        for name in names:
            if name not in self.by_name:
                near = difflib.get_close_matches(name, self.by_name, n=1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                raise UnknownKeywordError(
                    f"{self.table} has no field {name!r}.{hint} Allowed: {', '.join(self.by_name)}."
                )

    def check(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Check one row; fields that are not given are left out.

        Raises:
            ValidationError: At the first wrong, missing or unknown field.
        """
        if not values.keys() <= self.by_name.keys():
            self.known(values)
        for field in self.fields:
            if field.required and values.get(field.name) is None:
                field.check(None)
        return {name: self.by_name[name].check(value) for name, value in values.items()}
