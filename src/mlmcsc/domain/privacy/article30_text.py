"""The record of processing activities as a Markdown page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mlmcsc.domain.privacy.article30 import ProcessedField, ProcessingActivity, ProcessingRecord

INTRODUCTION = (
    "Made from the privacy tags of the database's columns and from its retention periods. Letters "
    "are the points of GDPR Art. 30(1); numbers after what erasure does lead to its legal ground."
)
HEAD = ("Table", "Columns", "Data", "Kept", "Source", "Sealed", "On erasure")


def to_markdown(record: ProcessingRecord) -> str:
    """The page, ending with a newline; beside each part stands its point of GDPR Art. 30(1)."""
    grounds = dict.fromkeys(field.ground for each in record.activities for field in each.fields)
    numbers = {ground: number for number, ground in enumerate(grounds, start=1)}
    parts = [
        "# Record of processing activities",
        INTRODUCTION,
        f"**Controller** (a): {record.controller}",
        f"**Data protection officer** (a): {record.officer}",
        f"**Transfers to third countries** (e): {record.transfers}",
        "**Security measures** (g):\n\n" + _list(record.measures),
        *(_activity(activity, numbers) for activity in record.activities),
        "## Legal grounds of what erasure does",
        "\n".join(f"{number}. {ground}" for ground, number in numbers.items()),
    ]
    return "\n\n".join(parts) + "\n"


def _activity(activity: ProcessingActivity, numbers: Mapping[str, int]) -> str:
    parts = [
        f"## {activity.name}",
        f"**Purpose** (b): {activity.purpose}",
        f"**Legal basis**: {activity.legal_basis}.",
        "**People** (c):\n\n" + _list(activity.subjects),
        "**Recipients** (d):\n\n" + _list(activity.recipients),
        "**Data and time limits** (c, f):\n\n" + _table(activity.fields, numbers),
    ]
    return "\n\n".join(parts)


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(fields: Iterable[ProcessedField], numbers: Mapping[str, int]) -> str:
    """One row for the columns of a table of which the same is said."""
    alike: dict[Sequence[str], list[str]] = {}
    for field in fields:
        said = (
            field.category,
            field.time_limit,
            field.source.value,
            "yes" if field.sealed else "no",
            f"{field.action.value} ({numbers[field.ground]})",
        )
        alike.setdefault((field.table, *said), []).append(f"`{field.column}`")
    rows: list[Sequence[str]] = [HEAD, ["---"] * len(HEAD)]
    rows += [(f"`{table}`", ", ".join(names), *said) for (table, *said), names in alike.items()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
