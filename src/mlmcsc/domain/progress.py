"""How long work tells how far it is: the shapes of every `progress` argument."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Takes what is being done, how many are done, and how many there are."""
Tally = Callable[[int, int], None]
"""Takes how many are done, and how many there are."""
OpenTally = Callable[[int, int | None], None]
"""Takes how many are done, and how many there are; None where nobody has counted them."""


def quiet(doing: str, done: int, total: int) -> None:
    """Tell nobody."""
    del doing, done, total
