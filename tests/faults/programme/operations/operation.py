"""What every operation under test offers to the programme."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

Promise = Mapping[str, Any]
"""What a unit's success promises, as JSON: what the judge will look for."""


class Operation(Protocol):
    """One operation of mlmcsc, done in several units of work that are acknowledged one by one.

    Attributes:
        name: For the command line and the table.
        units: How many units of work there are.
    """

    name: str
    units: int

    def prepare(self, place: Path) -> None:
        """Make the world that every run gets a copy of, in the same place."""
        ...

    def perform(self, place: Path, unit: int) -> Promise:
        """Do one unit of work; whatever it returns was promised to the user."""
        ...

    def database(self, place: Path, unit: int) -> Path:
        """The SQLite file that the unit changes, and that must be sound whatever happened."""
        ...

    def kept(self, place: Path, promises: Mapping[int, Promise]) -> list[str]:
        """What is missing of that which was promised."""
        ...

    def torn(self, place: Path, unit: int, *, refused: bool) -> list[str]:
        """What is there by halves of a unit that was begun and never acknowledged.

        Args:
            place: The world.
            unit: Which.
            refused: Whether the caller got an error, rather than the process a SIGKILL.
        """
        ...

    def again(self, place: Path, unit: int) -> Promise:
        """Do that unit again, as a user would; must succeed."""
        ...

    def leftovers(self, place: Path) -> list[str]:
        """What the interrupted run left behind, after the unit was done again."""
        ...
