"""Results on stdout: tables for people, JSON for programs."""

from __future__ import annotations

import json
import operator
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
import orjson

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WIDE = 1000
"""Width for a pipe or file: nothing is folded, so that `grep` finds whole lines."""
FOLDED = 20
"""A text column is worth showing from this width on."""
GAP = 2
JSON_OPTIONS = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_NON_STR_KEYS

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes:
        title: Heading, with the unit.
        of: What stands in it, from a record.
        right: Right-aligned and never folded, for ids and numbers.
        whole: Never folded, for times and short words.
        minor: Left out where the terminal is too narrow for all.
    """

    title: str
    of: Callable[[Any], Any]
    right: bool = False
    whole: bool = False
    minor: bool = False


def attribute(
    name: str,
    title: str | None = None,
    *,
    right: bool = False,
    whole: bool = False,
    minor: bool = False,
) -> Column:
    """The column of a record's field."""
    of = operator.attrgetter(name)
    return Column(title or name.replace("_", " "), of, right=right, whole=whole, minor=minor)


def console() -> Console:
    """Stdout for people; honours COLUMNS, NO_COLOR and what the terminal can show."""
    from rich.console import Console  # noqa: PLC0415  # not for --help and --json

    piped = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(width=WIDE if piped else None, markup=False, emoji=False, highlight=False)


def table(
    columns: Iterable[Column],
    records: Iterable[Any],
    title: str | None = None,
    *,
    quiet: bool = False,
) -> None:
    """Print records in columns; long texts fold, nothing is cut off.

    Minor columns that do not fit are left out, and named unless `quiet`.
    """
    out = console()
    from rich import box  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    columns = list(columns)
    rows = [[cell(c.of(record)) for c in columns] for record in records]
    shown = _that_fit(columns, rows, out.width)
    if shown is None:
        _cards(columns, rows, title)
        return
    if title is not None:
        out.print(f"\n{title}", style="bold")
    grid = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    for column in (columns[at] for at in shown):
        grid.add_column(
            column.title,
            justify="right" if column.right else "left",
            overflow="fold",
            no_wrap=column.right or column.whole,
        )
    _fill(grid, ([row[at] for at in shown] for row in rows))
    _print(out, grid)
    left_out = [c.title for at, c in enumerate(columns) if at not in shown]
    if left_out and not quiet:
        note(f"left out on this narrow terminal: {', '.join(left_out)}")


def _that_fit(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], room: int
) -> list[int] | None:
    """Which columns are shown: without as many minor ones as must go, from the right.

    None says that even without them a table would not be readable.
    """
    widths = []
    for at, column in enumerate(columns):
        widest = max([len(column.title), *(len(row[at]) for row in rows)])
        widths.append(widest if column.right or column.whole else min(widest, FOLDED))
    shown = list(range(len(columns)))
    minor = [at for at in shown if columns[at].minor]
    while sum(widths[at] + GAP for at in shown) > room:
        if not minor:
            return None
        shown.remove(minor.pop())
    return shown


def _cards(columns: Sequence[Column], rows: Iterable[Sequence[str]], title: str | None) -> None:
    """One record below the other, for terminals too narrow for a table."""
    if title is not None:
        say(title)
    for number, row in enumerate(rows):
        if number:
            say("")
        facts({c.title: text for c, text in zip(columns, row, strict=True)})


def facts(values: Mapping[str, Any], title: str | None = None) -> None:
    """Print names and values, one a line; those that are unknown are left out."""
    out = console()
    from rich.table import Table  # noqa: PLC0415

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    _fill(grid, ([name, _fact(value)] for name, value in values.items() if value is not None))
    if title is not None:
        out.print(title, style="bold")
    _print(out, grid)


def _fact(value: Any) -> str:
    return f"{cell(value)} UTC" if isinstance(value, datetime) else cell(value)


def _fill(grid: Table, rows: Iterable[list[str]]) -> None:
    from rich.text import Text  # noqa: PLC0415

    for row in rows:
        grid.add_row(*(Text(text) for text in row))


def _print(out: Console, grid: Table) -> None:
    """Print without the blanks with which rich fills each line."""
    with out.capture() as captured:
        out.print(grid)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def cell(value: Any) -> str:
    """A value as a person reads it: times in UTC, numbers without noise, no control characters."""
    match value:
        case None:
            text = "-"
        case bool():
            text = "yes" if value else "no"
        case float():
            text = f"{value:.6g}"
        case datetime():
            text = f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        case list() | dict() | tuple():
            text = orjson.dumps(value, default=str).decode()
        case _:
            text = str(value)
    return _CONTROL.sub(lambda found: repr(found[0])[1:-1], text)


def size(count: float | None) -> str | None:
    """A number of bytes, such as `1.4 MB`."""
    if count is None:
        return None
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:  # noqa: PLR2004  # SI prefixes
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def duration(seconds: float) -> str:
    """A time span, such as `2.4 s`, `3.5 min`, `26.0 h`."""
    for unit, length in (("s", 60.0), ("min", 60.0), ("h", 48.0)):
        if seconds < length:
            return f"{seconds:.1f} {unit}"
        seconds /= 24 if unit == "h" else 60
    return f"{seconds:.1f} d"


def counted(count: int, one: str, many: str | None = None) -> str:
    """A number and its noun, such as `1 file` and `1,200 files`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def as_json(value: Any) -> str:
    """Any result as JSON: records by their fields, times in ISO 8601."""
    try:
        return orjson.dumps(value, default=_plain, option=JSON_OPTIONS).decode()
    except TypeError:  # a file name that is no Unicode: JSON can escape it, orjson refuses
        return json.dumps(value, default=_plain)


def print_json(value: Any) -> None:
    """Print one JSON document."""
    click.echo(as_json(value))


def say(text: str) -> None:
    """Print a line of result."""
    click.echo(cell(text))


def note(text: str) -> None:
    """Print a remark on stderr."""
    click.echo(cell(text), err=True)


def _plain(value: Any) -> Any:
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if hasattr(value, "tolist"):
        return value.tolist()
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return str(value)
