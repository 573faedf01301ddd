"""Copies of a database that restores, drills, backups and an adoption left beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mlmcsc.domain.records import Record


@dataclass(frozen=True, slots=True)
class LeftBehind(Record):
    """What lies there, by full path or name on the server; all of it may hold wrapped data keys.

    Attributes:
        dead: Of killed restores, drills and backups: nobody holds them, nobody needs them.
        in_use: Of those that are at work.
        kept: Kept on purpose, with the command that removes each.
        made_at: When those were last written, ISO 8601 in UTC, as far as that can be told.
        unread: Why a place could not be looked into.
    """

    dead: tuple[str, ...] = ()
    in_use: tuple[str, ...] = ()
    kept: Mapping[str, str] = field(default_factory=dict)
    made_at: Mapping[str, str] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)

    def __add__(self, other: LeftBehind) -> LeftBehind:
        """Both."""
        return LeftBehind(
            (*self.dead, *other.dead),
            (*self.in_use, *other.in_use),
            {**self.kept, **other.kept},
            {**self.made_at, **other.made_at},
            {**self.unread, **other.unread},
        )

    def told(self) -> tuple[str, ...]:
        """Lines of what an erasure does not reach."""
        return (
            *(
                f"{copy} is a copy of the database from before, which the program kept aside: it "
                "names the person, and whoever has the master key of its time reads all of it. "
                f"Delete it when it is no longer needed: {command}"
                for copy, command in self.kept.items()
            ),
            *(
                f"{each}: a restore, drill or backup is at work there, and removes it at its end."
                for each in self.in_use
            ),
            *(
                f"{place} could not be searched for what killed runs left: {why}"
                for place, why in self.unread.items()
            ),
        )

    def to_do(self, last_erasure: datetime | None) -> tuple[str, ...]:
        """What needs action, now that people were erased; nothing does where nobody was."""
        if last_erasure is None:
            return ()
        before = last_erasure.isoformat()
        old = {each: how for each, how in self.kept.items() if self.made_at.get(each, "") < before}
        return (
            *(
                f"{each} was left by a killed restore, drill or backup and may hold data keys "
                "of erased people: the next one, or the next erasure, removes it"
                for each in self.dead
            ),
            *(
                f"{copy} is a copy from before the last erasure, and names whom that erased: "
                f"delete it when it is no longer needed: {how}"
                for copy, how in old.items()
            ),
        )
