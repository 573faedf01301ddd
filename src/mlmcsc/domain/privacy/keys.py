"""The state of master keys, and what a rotation did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mlmcsc.domain.records import Record


@dataclass(frozen=True, slots=True)
class KeptState(Record):
    """The file of people's wrapped data keys: without it a restored backup shows no name.

    Attributes:
        place: The file.
        people: How many keys are in it, those of copies of this database included.
        current: Whether it holds what this database does, and nobody who was erased.
        problem: Why it cannot be used; None where it can, or none was needed yet.
    """

    place: str
    people: int
    current: bool
    problem: str | None


@dataclass(frozen=True, slots=True)
class KeyState(Record):
    """Which master keys there are, and which are needed. Ids only, never a key.

    Attributes:
        place: The file or variable.
        own_place: Whether the place is this database's own, by its name.
        current: The key that wraps new data keys; None where it is not here.
        pending: Keys of an unfinished rotation.
        retired: Older keys that are still here: backups from their time need them.
        people: How many people's data keys each key wraps, by key id.
        signing_key: The key that wraps the signing key.
        missing: Keys that are needed and not here.
        problem: What is wrong with the place; None where nothing is.
        kept: The file of people's wrapped data keys.
    """

    place: str
    own_place: bool
    current: str | None
    pending: tuple[str, ...]
    retired: tuple[str, ...]
    people: Mapping[str, int]
    signing_key: str
    missing: tuple[str, ...]
    problem: str | None
    kept: KeptState

    @property
    def older(self) -> int:
        """People whose data key another than the current key wraps."""
        return sum(count for key, count in self.people.items() if key != self.current)

    @property
    def unfinished(self) -> bool:
        """Whether a rotation was begun and not finished."""
        waiting = bool(self.older) or self.signing_key != self.current
        return bool(self.pending) or (self.current is not None and waiting)


@dataclass(frozen=True, slots=True)
class RotationReport(Record):
    """What a rotation did.

    Attributes:
        key_id: The key that wraps everything now.
        resumed: Whether it finished what an earlier run had begun; then no new key was made.
        people: Data keys wrapped anew by this run.
        batches: In how many transactions.
        retired: Older keys that are still here.
    """

    key_id: str
    resumed: bool
    people: int
    batches: int
    retired: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DestroyedKeys(Record):
    """What became of retired keys.

    Attributes:
        destroyed: Ids of those that are gone for good.
        kept: Ids of those that still wrap something here, and stay.
        lost: Backups that nobody can read any more, by path.
    """

    destroyed: tuple[str, ...]
    kept: tuple[str, ...]
    lost: tuple[str, ...] = ()
