"""When a dataset version is made without being asked for, and what it is called."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from mlmcsc.domain.records import Record
from mlmcsc.domain.schedule import due, next_time

HOUR: Final = 3600
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Rules:
    """When to make one; the settings `versioning.*`.

    Attributes:
        enabled: False: never.
        new_labels: Label changes since the last version that make the next; None: any number of
            them makes none.
        schedule: When the next is made if there is a label change at all; None: never.
        name_pattern: What it is called; holds `{n}`, and may hold `{date}`.
    """

    enabled: bool
    new_labels: int | None
    schedule: str | None
    name_pattern: str


@dataclass(frozen=True, slots=True)
class LastVersion:
    """The newest version.

    Attributes:
        version: Its name.
        created_at: When it was made, aware.
    """

    version: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Due(Record):
    """Whether a version is to be made now, and why or why not.

    Attributes:
        due: Whether it is.
        reason: Why, or what is missing, in words.
        version: What it would be called.
        since: Name of the newest version; None where there is none.
        label_changes: Labels stored, corrected or verified since; all labels where there is none.
        judged: How many of these were found to decide no value when a version was due.
        labels_missing: Further label changes that make the next; None: no number of them does.
        next_at: When the schedule fires next, or fired first since the newest version, UTC; None
            without a schedule, and before the first version, which waits for nothing.
        hours_missing: Hours until then, 0 when it is past; None as `next_at`.
    """

    due: bool
    reason: str
    version: str
    since: str | None
    label_changes: int
    judged: int
    labels_missing: int | None
    next_at: datetime | None
    hours_missing: float | None


def judge(
    rules: Rules,
    last: LastVersion | None,
    changes: int,
    names: Iterable[str],
    now: datetime,
    *,
    judged: int = 0,
) -> Due:
    """Whether a version is due.

    Args:
        rules: When to make one.
        last: The newest version, if any.
        changes: Label changes since; all labels where there is none.
        names: The names that are taken.
        now: The time, aware.
        judged: How many of the changes are known to decide no value.
    """
    fresh = changes - judged
    missing = None if rules.new_labels is None else max(0, rules.new_labels - fresh)
    next_at = None
    if rules.schedule is not None and last is not None:
        next_at = next_time(rules.schedule, last.created_at)
    wait = None if next_at is None else max(0.0, (next_at - now).total_seconds() / HOUR)
    told = _told(changes, judged, None if last is None else last.version)
    lacks = _lacks(changes, missing, wait)
    is_due, reason = _verdict(rules, last, fresh, now, told, lacks)
    return Due(
        due=is_due,
        reason=reason,
        version=next_name(rules.name_pattern, names, now),
        since=None if last is None else last.version,
        label_changes=changes,
        judged=judged,
        labels_missing=missing,
        next_at=next_at,
        hours_missing=wait,
    )


def nothing_decides(rules: Rules, found: Due) -> Due:
    """The verdict once it was seen that a version would be as the newest one."""
    return replace(
        found,
        due=False,
        reason=_told(found.label_changes, found.label_changes, found.since),
        judged=found.label_changes,
        labels_missing=rules.new_labels,
    )


def _verdict(
    rules: Rules,
    last: LastVersion | None,
    fresh: int,
    now: datetime,
    told: str,
    lacks: list[str],
) -> tuple[bool, str]:
    if not rules.enabled:
        return False, "versioning.enabled is false"
    if rules.new_labels is None and rules.schedule is None:
        return False, "neither versioning.auto_new_labels nor versioning.auto_schedule is set"
    if not fresh:
        return False, told
    if rules.new_labels is not None and fresh >= rules.new_labels:
        return True, told
    if rules.schedule is not None and due(
        rules.schedule, None if last is None else last.created_at, now
    ):
        return True, f"{told}, and the schedule {rules.schedule!r}"
    return False, f"{told}; missing are {' or '.join(lacks)}"


def _told(changes: int, judged: int, since: str | None) -> str:
    told = _changes(changes) + ("" if since is None else f" since {since}")
    if not judged:
        return told
    of_these = (
        "none of which decides a value"
        if judged == changes
        else f"{judged:,} of which decide no value"
    )
    return f"{told}, {of_these}"


def _lacks(changes: int, missing: int | None, wait: float | None) -> list[str]:
    labels = "" if missing is None else _changes(missing, more=bool(changes))
    return [each for each in (labels, "" if wait is None else f"{wait:.1f} hours") if each]


def _changes(count: int, *, more: bool = False) -> str:
    return f"{count:,} {'more ' if more else ''}label change{'' if count == 1 else 's'}"


def next_name(pattern: str, names: Iterable[str], now: datetime) -> str:
    """The first name of the pattern above those that are taken.

    Args:
        pattern: Holds `{n}`, and may hold `{date}`.
        names: The names that are taken.
        now: Whose day, in UTC, `{date}` is.
    """
    dated = pattern.replace("{date}", f"{now.astimezone(UTC):%Y-%m-%d}")
    before, _, after = dated.partition("{n}")
    # What stands for a further {n} is the same number.
    form = re.compile(
        re.escape(before) + "([1-9][0-9]*)" + re.escape(after).replace(r"\{n\}", r"\1")
    )
    taken = [int(found[1]) for found in map(form.fullmatch, names) if found]
    return dated.replace("{n}", str(max(taken, default=0) + 1))
