"""Words of a command line as values: times, ages, JSON, and the storable fields of a table."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from mlmcsc.domain.fields import Field, Kind, RowSpec
from mlmcsc.errors import ValidationError

F = TypeVar("F", bound=Callable[..., Any])


class Moment(click.ParamType[datetime]):
    """A date or time in ISO 8601; without a zone it is UTC.

    Args:
        zone_required: Refuse a time without zone instead.
    """

    name = "time"

    def __init__(self, *, zone_required: bool = False) -> None:
        self.zone_required = zone_required

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Read the word."""
        if isinstance(value, datetime):
            return value
        example = "2026-11-23 or 2026-11-23T09:30"
        if self.zone_required:
            example = "2026-11-23T14:00Z or 2026-11-23T15:00+01:00"
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time; write {example}", param, ctx)
        if self.zone_required and moment.utcoffset() is None:
            self.fail(f"{value!r} names no time zone; write {example}", param, ctx)
        return moment if moment.utcoffset() is not None else moment.replace(tzinfo=UTC)


class Age(click.ParamType[timedelta]):
    """A number of days, or of weeks, months or years; a year is 365 days, a month a twelfth."""

    name = "age"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Read the word."""
        if isinstance(value, timedelta):
            return value
        word = re.fullmatch(r"([1-9]\d{0,4})([dwmy]?)", value, re.ASCII)
        days = 0 if word is None else _in_days(int(word[1]), word[2])
        if not 1 <= days <= LONGEST_DAYS:
            self.fail(
                f"{value!r} is no age from 1 to {LONGEST_DAYS:,} days; write 365 or 365d, 52w, "
                "12m or 1y",
                param,
                ctx,
            )
        return timedelta(days=days)


LONGEST_DAYS = 36_500
"""As long as the longest period that the settings allow."""
AGE_HELP = "365 or 365d, 52w, 12m, 1y; a year is 365 days, a month a twelfth."
"""For the help of every option that takes an age."""


def _in_days(count: int, unit: str) -> int:
    match unit:
        case "w":
            return 7 * count
        case "m":
            return 365 * count // 12
        case "y":
            return 365 * count
    return count


class FieldWord(click.ParamType[Any]):
    """A value of one storable field."""

    def __init__(self, field: Field) -> None:
        self.field = field
        self.name = _METAVARS[field.kind]

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read and check the word; empty means unknown."""
        try:
            return self.field.parse(value) if isinstance(value, str) else value
        except ValidationError as error:
            self.fail(str(error), param, ctx)


_METAVARS = {
    Kind.REAL: "number",
    Kind.INTEGER: "integer",
    Kind.TEXT: "text",
    Kind.FLAG: "true|false",
    Kind.JSON: "json",
    Kind.TIMESTAMP: "time",
    Kind.BOX: "json",
    Kind.VECTOR: "json",
}


def field_options(spec: RowSpec, *names: str) -> Callable[[F], F]:
    """Options for fields of a table; the command gets those that were given as `details`."""

    def decorate(command: F) -> F:
        @functools.wraps(command)
        def with_details(*args: Any, **kwargs: Any) -> Any:
            context = click.get_current_context()
            values = {name: kwargs.pop(name) for name in names}
            given = {
                name: value
                for name, value in values.items()
                if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
            }
            return command(*args, details=given, **kwargs)

        decorated: Any = with_details
        for name in reversed(names):
            field = spec.by_name[name]
            text = f"{field.help[0].upper()}{field.help[1:]}."
            flag = f"--{name.replace('_', '-')}"
            decorated = click.option(flag, name, type=FieldWord(field), help=text)(decorated)
        return decorated  # type: ignore[no-any-return]  # the same signature, options added

    return decorate
