"""How a long look tells where it is."""

from __future__ import annotations

from collections.abc import Callable

from mlmcsc.domain.progress import Progress


def teller(progress: Progress, stage: str, total: int) -> Callable[[int], None]:
    """Progress of one stage."""
    return lambda done: progress(stage, done, total)
