"""When a repeated job is due: words or a cron expression, in UTC.

A job is due when its schedule fired since it last ran, however long ago: a computer that was off at
night does the night's work once, in the morning.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from mlmcsc.errors import ValidationError

WORDS: Final[Mapping[str, str]] = {
    "hourly": "0 * * * *",
    "daily": "0 0 * * *",
    "weekly": "0 0 * * 1",
    "monthly": "0 0 1 * *",
}
"""What the words mean; a week begins on Monday (ISO 8601)."""


def next_time(schedule: str, after: datetime) -> datetime:
    """The first moment after `after` at which a schedule fires.

    Args:
        schedule: A word of `WORDS`, or a cron expression of five fields (crontab(5)).
        after: An aware time.

    Returns:
        A time in UTC, to the minute.

    Raises:
        ValidationError: `schedule` is none, or never fires.
    """
    return _fires(schedule, after.astimezone(UTC), back=False)


def latest_time(schedule: str, at: datetime) -> datetime:
    """The last moment up to `at` at which a schedule fired; see `next_time`."""
    minute = at.astimezone(UTC).replace(second=0, microsecond=0)
    return _fires(schedule, minute + timedelta(minutes=1), back=True)


def _fires(schedule: str, start: datetime, *, back: bool) -> datetime:
    from cronsim import CronSim, CronSimError  # noqa: PLC0415  10 ms, only where one is set

    try:
        found = next(CronSim(WORDS.get(schedule, schedule), start, reverse=back), None)
    except CronSimError as error:
        raise ValidationError(
            f"schedule={schedule!r}: {error}. Give one of {', '.join(WORDS)}, or a cron expression "
            "such as '30 2 * * 1'."
        ) from None
    if found is None:
        raise ValidationError(f"schedule={schedule!r} never fires. Give one that does.")
    return found


def due(schedule: str, last: datetime | None, now: datetime) -> bool:
    """Whether a job that last ran at `last` (None: never) should run now."""
    return last is None or next_time(schedule, last) <= now
