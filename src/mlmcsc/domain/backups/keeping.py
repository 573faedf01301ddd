"""Which backups are kept: all young ones, then grandfathers, fathers and sons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from mlmcsc.domain.backups.manifest import Kind


@dataclass(frozen=True, slots=True)
class Periods:
    """How long backups are kept; see the settings `backup.*`.

    Attributes:
        days: Every backup younger than so many days is kept.
        weekly: Of so many ISO weeks that have backups, the newest of each, counted from the last.
        monthly: Likewise of months.
        yearly: Likewise of years.
    """

    days: int
    weekly: int
    monthly: int
    yearly: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A backup that may be kept or go.

    Attributes:
        set_id: Which.
        taken_at: When its snapshot was taken, UTC.
        kind: Why it was made.
        proven: When it was last read or restored whole; None: never, or it failed since.
        damaged: Whether the last check of it failed.
    """

    set_id: str
    taken_at: datetime
    kind: Kind
    proven: datetime | None
    damaged: bool = False


_GENERATIONS: Final[Mapping[str, Callable[[datetime], tuple[int, ...]]]] = {
    "week": lambda at: tuple(at.isocalendar())[:2],
    "month": lambda at: (at.year, at.month),
    "year": lambda at: (at.year,),
}


def kept(candidates: Iterable[Candidate], now: datetime, periods: Periods) -> dict[str, str]:
    """The backups that stay, by set id, with the reason; all others may go.

    The newest stays whatever its age, and so do the newest of which no damage is known and the
    newest that was proven to be readable. What is known to be damaged takes no generation from a
    whole one: it is kept beside it. Safety backups stay while they are young; they stand for no
    generation, else the state before a restore would be kept in place of the one that was meant.
    """
    newest_first = sorted(candidates, key=lambda each: (each.taken_at, each.set_id), reverse=True)
    reasons: dict[str, str] = {}
    if newest_first:
        reasons[newest_first[0].set_id] = "newest"
    sound = [each for each in newest_first if not each.damaged]
    if sound:
        reasons.setdefault(sound[0].set_id, "newest that is not known to be damaged")
    for each in sound:
        if each.proven is not None:
            reasons.setdefault(each.set_id, "newest that was verified")
            break
    limit = now - timedelta(days=periods.days)
    for each in newest_first:
        if each.taken_at > limit:
            reasons.setdefault(each.set_id, f"younger than {periods.days} days")
    counts = {"week": periods.weekly, "month": periods.monthly, "year": periods.yearly}
    for generation, bucket_of in _GENERATIONS.items():
        for there in (sound, newest_first):
            regular = [each for each in there if each.kind != "safety"]
            for each in _first_of_each(regular, bucket_of, counts[generation]):
                reasons.setdefault(each.set_id, f"newest of its {generation}")
    return reasons


def _first_of_each(
    newest_first: Iterable[Candidate], bucket_of: Callable[[datetime], tuple[int, ...]], count: int
) -> list[Candidate]:
    found: dict[tuple[int, ...], Candidate] = {}
    for each in newest_first:
        found.setdefault(bucket_of(each.taken_at), each)
    return list(found.values())[:count]
