"""Measuring on this machine: in worker processes, or in this one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mlmcsc.adapters.image_quality import process
from mlmcsc.adapters.image_quality.tasks import MeasureOptions, Task, measure_one, problem
from mlmcsc.adapters.image_workers import in_workers
from mlmcsc.domain.image_quality.results import Measurement

CHUNK = 16
"""Files per request: measuring takes some 10 ms each, the pipe much less."""


@dataclass(frozen=True, slots=True)
class _Measuring:
    """What `image_workers` does in its processes here."""

    options: MeasureOptions
    module: str = "mlmcsc.adapters.image_quality.process"

    def request(self, items: Sequence[Task], seconds: float) -> bytes:
        return process.request(items, self.options, seconds)

    def outcomes(self, line: bytes, items: Sequence[Task]) -> list[Measurement]:
        return process.outcomes(line, items)

    def lost(self, item: Task, why: str) -> Measurement:
        return problem(item, f"{item.path} {why}")


def measure_many(
    chunks: Iterable[Sequence[Task]], options: MeasureOptions, workers: int
) -> Iterator[list[Measurement]]:
    """Measure files in order, a chunk at a time.

    Args:
        chunks: The files; taken as they are needed.
        options: How they are read.
        workers: Processes; 1 or less measures in this process, where nothing limits the time or
            the memory that a file takes.
    """
    if workers <= 1:
        for chunk in chunks:
            yield [measure_one(task, options) for task in chunk]
        return
    yield from in_workers(chunks, _Measuring(options), workers)
