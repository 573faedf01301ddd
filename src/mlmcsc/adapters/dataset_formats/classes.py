"""The classes of boxes, numbered as they come."""

from __future__ import annotations

from typing import Final

from mlmcsc.errors import ValidationError

MOST: Final = 1_000


class Classes:
    """Names of classes; the same version gives the same numbers."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    @property
    def names(self) -> list[str]:
        """By number, from 0."""
        return list(self._numbers)

    def number(self, name: str) -> int:
        """The number of a class; one not met before gets the next.

        Raises:
            ValidationError: There are too many: something else than classes is in their place.
        """
        found = self._numbers.setdefault(name, len(self._numbers))
        if found >= MOST:
            raise ValidationError(
                f"The boxes have more than {MOST:,} classes, the last {name!r}. Classes are read "
                "from class, label, name or category of a region; give a region one of few."
            )
        return found
