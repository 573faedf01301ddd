"""By when a person's request must be answered (GDPR Art. 12(3)).

Months are counted by Regulation (EEC, Euratom) No 1182/71, Art. 3, as the EDPB's Guidelines 01/2022
on the right of access (points 158 to 160) do. Public holidays differ from place to place and are
not known here: one on the last day would move the deadline later, never earlier.
"""

from __future__ import annotations

import calendar
from datetime import date, timedelta

MONTHS = 1
"""To answer."""
EXTENSION = 2
"""Further months, where the request is complex or there are many."""
MONTHS_PER_YEAR = 12
SATURDAY = 5


def deadline(received: date, *, extended: bool = False) -> date:
    """The last day of the time limit, until the end of which the answer is in time.

    It has the number of the day of receipt; a month without that day ends on its last one
    (Art. 3(2)(c)). On a Saturday or Sunday it moves to Monday (Art. 3(4)).

    Args:
        received: The day on which the request arrived.
        extended: By two further months, counted from receipt.
    """
    months = MONTHS + (EXTENSION if extended else 0)
    last = _months_later(received, months)
    if last.weekday() >= SATURDAY:
        last += timedelta(days=7 - last.weekday())
    return last


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * MONTHS_PER_YEAR + day.month - 1 + months, MONTHS_PER_YEAR)
    month += 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
