"""Which rows an event without a row of its own speaks of."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping
from typing import Any

Span = tuple[int, int]


def spans(values: Any) -> Iterator[Span]:
    """The id ranges, both ends included, that one side of an event's payload names.

    Batches name `first_id` and `last_id`, and `id_ranges` where other writers' ids lie between;
    removals may list `ids`; repairs and per-row changes have the ids as keys.
    """
    if not isinstance(values, Mapping):
        return
    ranges = values.get("id_ranges")
    if isinstance(ranges, list):
        yield from (span for each in ranges if (span := _span(each)) is not None)
    elif (span := _span([values.get("first_id"), values.get("last_id")])) is not None:
        yield span
    ids = values.get("ids")
    if isinstance(ids, list):
        yield from ((each, each) for each in ids if _whole(each))
    yield from ((int(k), int(k)) for k in values if k.isascii() and k.isdigit() and len(k) < 20)  # noqa: PLR2004  # digits of 2**63


def touched(event_values: Collection[Any], ids: Collection[int]) -> tuple[int, ...]:
    """Which of `ids` an event touches, ascending.

    Args:
        event_values: The event's `old_values` and `new_values`.
        ids: The rows asked about.
    """
    every = sorted(ids)
    hit: set[int] = set()
    for values in event_values:
        for low, high in spans(values):
            hit.update(every[bisect_left(every, low) : bisect_right(every, high)])
    return tuple(sorted(hit))


def replaced_for(old_values: Any, image_id: int) -> bool:
    """Whether a batch of feature vectors replaced one of this image."""
    entries = old_values.get("replaced") if isinstance(old_values, Mapping) else None
    if not isinstance(entries, list):
        return False
    return any(
        span[0] <= image_id <= span[1]
        for entry in entries
        if isinstance(entry, Mapping) and isinstance(entry.get("image_id_ranges"), list)
        for each in entry["image_id_ranges"]
        if (span := _span(each)) is not None
    )


def _span(pair: Any) -> Span | None:
    match pair:
        case [low, high] if _whole(low) and _whole(high):
            return int(low), int(high)
    return None


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
