"""Which time zone the original's clock was in.

The original wrote `created_at` by SQL (`CURRENT_TIMESTAMP`, UTC) and every other time by
`datetime.now()`, in local time and without a zone. Rows that carry both give the offset.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlcipher3.dbapi2 as driver

from mlmcsc.errors import AdoptionError

QUARTER: Final = 900
"""Every zone's offset is a multiple of 15 minutes."""
NEAR_SECONDS: Final = 5
"""How far apart the two clocks of one call may be read."""
EAST, WEST = 14 * 3600, -12 * 3600

_AUDITED = ("images", "technicians", "model_versions", "data_versions")
_LOCAL_COLUMNS = (
    ("images", "timestamp"),
    ("predictions", "timestamp"),
    ("labels", "timestamp"),
    ("labels", "verification_timestamp"),
    ("features", "extraction_timestamp"),
    ("technicians", "last_active"),
    ("audit_logs", "timestamp"),
    ("system_metrics", "timestamp"),
)


@dataclass(frozen=True, slots=True)
class TimeRule:
    """How a naive local time becomes UTC.

    Attributes:
        zone: The zone of the original's clock.
        text: Which rule it is and what speaks for it.
    """

    zone: tzinfo
    text: str

    def to_utc(self, text: Any, *, local: bool) -> str:
        """A stored time as our text: UTC, `YYYY-MM-DD HH:MM:SS.ffffff`.

        Args:
            text: The original's text; an offset in it counts more than the rule.
            local: Whether it is local time; otherwise UTC.

        Raises:
            ValueError: It is not a time, or lies outside the calendar.
        """
        if not isinstance(text, str):
            raise ValueError("not text")  # noqa: TRY004  # one error for every unreadable time
        moment = datetime.fromisoformat(text)
        if moment.utcoffset() is None:
            moment = moment.replace(tzinfo=self.zone if local else UTC)
        try:
            utc = moment.astimezone(UTC).replace(tzinfo=None)
        except OverflowError:
            raise ValueError("outside the calendar") from None
        return utc.isoformat(sep=" ", timespec="microseconds")


def time_rule(source: driver.Connection, timezone_name: str | None) -> TimeRule:
    """The rule for this database.

    The audit trail's CREATE events speak first, because they were always written by the clock;
    without any, images do, whose time is near their `created_at` when they were stored at once.

    Args:
        source: The original.
        timezone_name: The configured zone, for a database whose rows do not settle it.

    Raises:
        AdoptionError: The rows disagree or say nothing and no zone is configured, or they
            contradict the configured one.
    """
    pairs = _audit_pairs(source) or _pairs(source, "SELECT timestamp, created_at FROM images")
    offsets = Counter(offset for offset, _ in pairs)
    if len(offsets) == 1:
        (seconds,) = offsets
        zone = timezone(timedelta(seconds=seconds))
        return TimeRule(
            zone, f"local time was {zone}, as {len(pairs)} rows show that carry both local and UTC"
        )
    if not any(_has_times(source, *place) for place in _LOCAL_COLUMNS):
        return TimeRule(UTC, "the original holds no local time")
    told = ", ".join(f"{timezone(timedelta(seconds=s))} in {n} rows" for s, n in offsets.items())
    told = f"the rows speak for {told}" if told else "no row carries both local and UTC time"
    if timezone_name is None:
        raise AdoptionError(
            f"The original wrote local times and {told}, so its time zone must be given: set "
            "quality.instrument_timezone (MLMCSC_QUALITY__INSTRUMENT_TIMEZONE=Europe/Berlin, say; "
            "Etc/UTC for UTC) and open it again"
        )
    return TimeRule(
        _fitting(timezone_name, pairs),
        f"{timezone_name}, as quality.instrument_timezone says, because {told}; "
        "an hour that occurs twice counts as the first",
    )


def _fitting(name: str, pairs: list[tuple[int, datetime]]) -> ZoneInfo:
    zone = ZoneInfo(name)
    for seconds, local in pairs:
        twice = (local.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
        if timedelta(seconds=seconds) not in twice:
            raise AdoptionError(
                f"quality.instrument_timezone={name}: at {local} the original's clock was at "
                f"{timezone(timedelta(seconds=seconds))}, which that zone was not. Set the zone "
                "the original ran in"
            )
    return zone


def _audit_pairs(source: driver.Connection) -> list[tuple[int, datetime]]:
    return [
        pair
        for table in _AUDITED
        for pair in _pairs(
            source,
            "SELECT a.timestamp, t.created_at FROM audit_logs AS a "
            f"JOIN {table} AS t ON t.id = a.record_id "
            f"WHERE a.operation = 'CREATE' AND a.table_name = '{table}'",
        )
    ]


def _pairs(source: driver.Connection, query: str) -> list[tuple[int, datetime]]:
    return list(_offsets(source.execute(query)))


def _offsets(rows: Iterable[tuple[Any, Any]]) -> Iterable[tuple[int, datetime]]:
    """`(offset in s, local time)` of each row whose two times fit some zone."""
    for local_text, utc_text in rows:
        try:
            local = datetime.fromisoformat(local_text)
            difference = (local - datetime.fromisoformat(utc_text)).total_seconds()
        except (ValueError, TypeError):
            continue  # not evidence; the row itself is judged when it is copied
        rounded = round(difference / QUARTER) * QUARTER
        if WEST <= rounded <= EAST and abs(difference - rounded) <= NEAR_SECONDS:
            yield rounded, local


def _has_times(source: driver.Connection, table: str, column: str) -> bool:
    query = f"SELECT 1 FROM {table} WHERE {column} IS NOT NULL LIMIT 1"
    return source.execute(query).fetchone() is not None
