"""The spans of time that are compared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from mlmcsc.errors import ValidationError


@dataclass(frozen=True, slots=True)
class Period:
    """From a moment on, up to but not including another; None: without limit on that side."""

    start: datetime | None
    end: datetime | None

    def __str__(self) -> str:
        if self.start is None:
            return f"before {self.end:%Y-%m-%d %H:%M}"
        if self.end is None:
            return f"since {self.start:%Y-%m-%d %H:%M}"
        return f"{_day(self.start)}..{_day(self.end, last=True)}"


def _day(moment: datetime, *, last: bool = False) -> str:
    if moment.timetz() == time(tzinfo=UTC):
        return f"{moment - timedelta(days=last):%Y-%m-%d}"
    return f"{moment:%Y-%m-%dT%H:%M}"


def read_period(text: Any) -> Period:
    """`2026-01-01..2026-03-31`, both days included; times may be given too, without zone in UTC.

    Raises:
        ValidationError: It is no such text, or ends before it begins.
    """
    if isinstance(text, Period):
        return _checked(text)
    halves = text.split("..") if isinstance(text, str) else []
    if len(halves) != 2:  # noqa: PLR2004  # from and to
        raise _no_period(text)
    try:
        start, end = _moment(halves[0]), _moment(halves[1], last=True)
    except ValueError:
        raise _no_period(text) from None
    except OverflowError:
        raise ValidationError(f"period {text!r} is not within the years 1 to 9999.") from None
    if end <= start:
        raise ValidationError(f"period {text!r} ends before it begins; swap the two dates.")
    return Period(start, end)


def refuse_overlap(reference: Period, current: Period) -> None:
    """Refuse periods that share rows: these would hide any drift.

    Raises:
        ValidationError: They overlap.
    """
    first = datetime.min.replace(tzinfo=UTC)
    last = datetime.max.replace(tzinfo=UTC)
    starts = max(reference.start or first, current.start or first)
    if starts < min(reference.end or last, current.end or last):
        raise ValidationError(
            f"periods {reference} and {current} overlap; end one before the other begins."
        )


def _moment(text: str, *, last: bool = False) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    if last and day == date.max:
        return datetime.max.replace(tzinfo=UTC)
    return datetime.combine(day, time(tzinfo=UTC)) + timedelta(days=last)


def _checked(period: Period) -> Period:
    ends: tuple[Any, Any] = (period.start, period.end)
    for end in ends:
        if end is not None and (not isinstance(end, datetime) or end.tzinfo is None):
            raise ValidationError(f"period end {end!r}: must be a datetime with its time zone.")
    if period.start is None and period.end is None:
        raise ValidationError("a period without start and end is all time; give one of them.")
    if period.start is not None and period.end is not None and period.end <= period.start:
        raise ValidationError(f"period {period} ends before it begins; swap start and end.")
    return period


def _no_period(text: Any) -> ValidationError:
    return ValidationError(f"{text!r} is no period; write 2026-01-01..2026-03-31.")
