"""At which points an operation is met."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import injecting
from injecting import Point
from one_run import FULL, KILL, SHORT, count_pages, count_writes, record
from operations.operation import Operation
from world import World

T = TypeVar("T")

FAULTS = (KILL, "eio", "enospc", SHORT, FULL)

FIRST_CALLS = 500
"""Among which errors are spread."""


def every_point(operation: Operation, world: World, fault: str) -> list[Point]:
    """All there are, by one run that nothing disturbs."""
    if fault == FULL:
        return [Point(0, "pages", pages) for pages in range(count_pages(operation, world))]
    if fault == SHORT:
        writes = count_writes(operation, world)
        return [Point(0, "write", number) for number in range(1, writes + 1)]
    record(operation, world)
    return injecting.points_of(world.recording, fault)


def in_order(points: Sequence[Point], fault: str, wanted: int) -> Iterator[Point]:
    """The points to try until `wanted` faults happened; each again, if there are too few.

    A killing may come at any time: those are spread evenly. Errors meet the first calls.
    """
    everywhere = fault in {KILL, FULL}
    first = spread(points if everywhere else points[: max(wanted, FIRST_CALLS)], wanted)
    chosen = set(first)
    yield from first
    others = [point for point in points if point not in chosen]
    yield from spread(others, wanted) if everywhere else others
    if fault == KILL:  # what is in memory and on disk differs from run to run
        for _ in range(3):
            yield from points


def spread(points: Iterable[T], wanted: int) -> list[T]:
    """So many of them, evenly."""
    every = list(points)
    if wanted >= len(every):
        return every
    return [every[number * len(every) // wanted] for number in range(wanted)]
