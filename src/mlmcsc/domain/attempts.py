"""Work on data that others change meanwhile: done anew, a few times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from mlmcsc.errors import OvertakenError

T = TypeVar("T")

TRIES: Final = 3


def repeated(attempt: Callable[[], T], tries: int = TRIES) -> T:
    """What the attempt gives, made again while it is overtaken.

    Raises:
        OvertakenError: It was overtaken each time.
    """
    for _ in range(tries - 1):
        try:
            return attempt()
        except OvertakenError:
            continue
    return attempt()
