"""Which backups there are, what they need to be read, and until when they will be there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from mlmcsc.domain.backups.keeping import Candidate, Periods, kept
from mlmcsc.domain.backups.manifest import Kind
from mlmcsc.domain.records import Record
from mlmcsc.domain.schedule import next_time

_DAYS = {"week": 7, "month": 31, "year": 366}


@dataclass(frozen=True, slots=True)
class HeldSet(Record):
    """A backup of this database, as its manifest tells.

    Attributes:
        place: Folder or URL.
        name: What it is called; `wal/NAME` for a server's base backup.
        set_id: Which set it is.
        kind: Why it was made.
        taken_at: When its snapshot was taken, UTC.
        key_id: Master key without which it cannot be read; None where it is not encrypted.
    """

    place: str
    name: str
    set_id: str
    kind: Kind
    taken_at: datetime
    key_id: str | None

    @property
    def path(self) -> str:
        """Place and name."""
        return f"{self.place.rstrip('/')}/{self.name}"


@dataclass(frozen=True, slots=True)
class Holdings(Record):
    """The backups in the places that the settings name.

    Attributes:
        places: Folders and URLs.
        sets: This database's, in order of places and names.
        unread: Why a place, or a set in it, cannot tell, by path.
    """

    places: tuple[str, ...] = ()
    sets: tuple[HeldSet, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)

    def needing(self, key_ids: Collection[str]) -> tuple[HeldSet, ...]:
        """Those that only one of these master keys opens."""
        return tuple(each for each in self.sets if each.key_id in key_ids)

    @property
    def by_key(self) -> dict[str, tuple[str, ...]]:
        """Paths of encrypted sets, by the master key that opens them."""
        keys = sorted({each.key_id for each in self.sets if each.key_id is not None})
        return {key: tuple(each.path for each in self.needing({key})) for key in keys}


@dataclass(frozen=True, slots=True)
class NamedBackups(Record):
    """Backups in which an erased person's clear names still stand.

    Attributes:
        places: Folders and URLs that were looked into.
        number: How many backups lie there.
        gone_by: The day, ISO 8601, by which the last of them is gone; None where there are none.
        n_base: How many base backups of a server, which hold wrapped data keys too.
        unread: Why a place, or a set in it, could not tell, by path.
    """

    places: tuple[str, ...]
    number: int
    gone_by: str | None
    n_base: int
    unread: Mapping[str, str]

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> NamedBackups:
        """As `to_dict` gave it, and JSON kept it."""
        return cls(**{**told, "places": tuple(told["places"])})

    def told(self) -> tuple[str, ...]:
        """Lines for the certificate."""
        where = ", ".join(self.places) or "no place that the settings name"
        lines = [f"Looked for backups in {where}: {self.number or 'none'} found."]
        if self.gone_by is not None:
            lines.append(
                f"The last of these {self.number} backups is gone by {self.gone_by}, if backups go "
                "on being made and pruned as the settings say; then no clear name is left in them."
            )
        if self.n_base:
            lines.append(
                f"{self.n_base} base backups of the server, for restores to a point in time, are "
                "its own files: they and the archived log hold the person's wrapped data key, too, "
                "until they are removed (`mlmcsc backup base --keep`)."
            )
        lines += [
            f"{path} could not be looked into, and what lies there still names the person until "
            f"it is removed: {why}"
            for path, why in self.unread.items()
        ]
        return tuple(lines)


def gone_by(
    sets: Sequence[HeldSet], now: datetime, periods: Periods, schedule: str
) -> datetime | None:
    """The day by which none of the backups is left; None where there are none.

    It holds if backups go on being made by the schedule, or more often than weekly, and are pruned:
    the newest of all is never removed, and each generation keeps its newest.
    """
    if not sets:
        return None
    longest = max(
        periods.days,
        periods.weekly * _DAYS["week"],
        periods.monthly * _DAYS["month"],
        periods.yearly * _DAYS["year"],
    )
    # The next one takes the place of the newest in its week, month and year; thereafter one a week
    # is enough to begin every one of these.
    start = next_time(schedule, now)
    weeks = range((longest + 2 * _DAYS["year"]) // _DAYS["week"])
    later = [start + timedelta(weeks=week) for week in weeks]
    there = [Candidate(each.set_id, each.taken_at, each.kind, None) for each in sets]
    low, high = 0, longest + 2 * _DAYS["year"]
    while low < high:  # what is not kept any more never is again
        middle = (low + high) // 2
        day = now + timedelta(days=middle)
        made = [Candidate("", at, "scheduled", None) for at in later if at <= day]
        if {each.set_id for each in sets} & kept([*there, *made], day, periods).keys():
            low = middle + 1
        else:
            high = middle
    return now + timedelta(days=low)
