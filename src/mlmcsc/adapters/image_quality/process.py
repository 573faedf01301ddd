"""A worker process that measures: one line of JSON asks, one line answers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import astuple
from typing import Any

import orjson

from mlmcsc.adapters.image_quality.tasks import MeasureOptions, Task, measure_one
from mlmcsc.adapters.image_workers_process import limit_processor_time, serve
from mlmcsc.domain.image_quality.components import Components
from mlmcsc.domain.image_quality.results import Measurement


def request(tasks: Sequence[Task], options: MeasureOptions, seconds: float) -> bytes:
    """The line that asks for these files; paths in hex, since not every name is Unicode."""
    asked = [
        (
            t.image_id,
            os.fsencode(t.path).hex(),
            t.content_hash,
            t.hash_algorithm,
            t.size,
            t.mtime_ns,
        )
        for t in tasks
    ]
    return orjson.dumps([asked, options, seconds]) + b"\n"


def answer(line: bytes) -> bytes:
    """Measure what a request names; the line to send back."""
    asked, options, seconds = orjson.loads(line)
    limit_processor_time(seconds)
    how = MeasureOptions(**options)
    tasks = [Task(each[0], os.fsdecode(bytes.fromhex(each[1])), *each[2:]) for each in asked]
    return orjson.dumps([_sent(measure_one(task, how)) for task in tasks]) + b"\n"


def outcomes(line: bytes, tasks: Sequence[Task]) -> list[Measurement]:
    """What an answer says of these files."""
    return [_received(each, task) for each, task in zip(orjson.loads(line), tasks, strict=True)]


def _sent(measured: Measurement) -> list[Any]:
    parts = None if measured.components is None else astuple(measured.components)
    return [parts, measured.problem, measured.missing]


def _received(answered: list[Any], task: Task) -> Measurement:
    parts, reason, missing = answered
    components = None if parts is None else Components(*parts)
    return Measurement(task.image_id, task.content_hash, components, reason, missing)


def work() -> None:
    """Answer requests until the input ends."""
    import cv2  # noqa: PLC0415 - only in the process that measures

    cv2.setNumThreads(1)  # there is a process for each core
    serve(answer)


if __name__ == "__main__":
    work()
