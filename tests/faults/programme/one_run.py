"""One run: a child works, a fault meets it, another child judges what is left."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from dataclasses import asdict, dataclass, field

import injecting
from children import Worker, ended_in_time, forked
from injecting import Point
from journal import Told
from judging import judge
from operations.operation import Operation
from shortening import Shortening
from world import World

FULL, SHORT, KILL = "full", "short", "kill"
PAGE = 4096
"""What a tmpfs gives at a time."""
THOROUGH = 8
"""Every how many points `database validate` looks, too."""


@dataclass(slots=True)
class Result:
    """What one run showed.

    Attributes:
        operation: Which operation.
        fault: `kill`, `eio`, `enospc`, `short` or `full`.
        point: Where.
        reached: Whether the fault happened.
        ended: `killed`, `refused`, `finished`, or what never should: `broke`, `died`, `hung`.
        acknowledged: Units acknowledged before.
        error: What the caller was told, if it was refused.
        problems: What is wrong; empty for a run that passed.
        seconds: How long it took, judging included.
    """

    operation: str
    fault: str
    point: Point
    reached: bool = False
    ended: str = ""
    acknowledged: int = 0
    error: str | None = None
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))


def run(operation: Operation, world: World, fault: str, point: Point) -> Result:
    """Do it."""
    began = time.perf_counter()
    result = Result(operation.name, fault, point)
    world.renew()
    if fault == FULL:
        world.resize(world.used() + point.number * PAGE)
    whole = fault in {FULL, SHORT}  # counted over the whole run, not from one unit on
    last = operation.units - 1 if whole else point.unit
    worker = Worker(operation, world, 0 if whole else point.unit, last)
    status, heard = _met(worker, world, fault, point, result)
    if fault == FULL:
        world.resize()  # somebody makes room
        result.reached = heard.refusal is not None or heard.traceback is not None
    result.acknowledged, result.error = len(heard.promises), heard.refusal
    result.ended = _ended(worker, status, heard, fault)
    if result.ended in {"died", "hung"}:
        result.problems.append(f"unclear: the program {result.ended}: wait status {status}")
    thorough = point.number % THOROUGH == 0
    result.problems += _judged(operation, world, heard, thorough=thorough)
    result.seconds = round(time.perf_counter() - began, 4)
    return result


def rehearse(operation: Operation, world: World) -> None:
    """All units and the judging of them, in this very process: children find everything loaded."""
    world.renew()
    done = Told()
    for unit in range(operation.units):
        done.promises[unit] = operation.perform(world.place, unit)
        done.begun = unit
    wrong = judge(operation, world.place, done, thorough=True)
    done.promises.popitem()
    wrong += judge(operation, world.place, done, thorough=True)
    if wrong:
        raise RuntimeError(f"{operation.name}: the judge finds fault without any: {wrong}")


def record(operation: Operation, world: World) -> None:
    """Every call of a run that nothing disturbs, in `world.recording`; once."""
    if world.recording.exists():
        return
    world.renew()
    worker = Worker(operation, world, 0, operation.units - 1)
    with injecting.recorded(worker.pid, world.recording):
        _must_have_finished(operation, *worker.run())


def count_writes(operation: Operation, world: World) -> int:
    """How many writes of two bytes and more such a run has."""
    world.renew()
    worker = Worker(operation, world, 0, operation.units - 1)
    counter = Shortening(worker.pid, 0)
    counter.attach()
    _must_have_finished(operation, *worker.run(counter.follow))
    return counter.seen


def count_pages(operation: Operation, world: World) -> int:
    """How many pages such a run takes at most, seen a thousand times a second."""
    world.renew()
    before, most = world.used(), 0
    worker = Worker(operation, world, 0, operation.units - 1)

    def watch() -> int:
        nonlocal most
        while not (ended := os.waitpid(worker.pid, os.WNOHANG))[0]:
            most = max(most, world.used())
            time.sleep(0.001)
        return ended[1]

    _must_have_finished(operation, *worker.run(watch))
    return (max(most, world.used()) - before) // PAGE


def _must_have_finished(operation: Operation, status: int, heard: Told) -> None:
    if status or len(heard.promises) != operation.units:
        why = heard.traceback or heard.refusal or f"wait status {status}"
        raise RuntimeError(f"{operation.name} does not even work undisturbed: {why}")


def _met(
    worker: Worker, world: World, fault: str, point: Point, result: Result
) -> tuple[int, Told]:
    if fault == FULL:
        return worker.run()
    if fault == SHORT:
        shortening = Shortening(worker.pid, point.number)
        shortening.attach()
        ended = worker.run(shortening.follow)
        result.reached = shortening.done
        return ended
    with injecting.injected(worker.pid, fault, point, world.log):
        ended = worker.run()
    killed = ended[0] == signal.SIGKILL and not worker.hung
    result.reached = killed if fault == KILL else injecting.was_injected(world.log)
    return ended


def _ended(worker: Worker, status: int, heard: Told, fault: str) -> str:
    if worker.hung:
        return "hung"
    if status:
        return "killed" if status == signal.SIGKILL and fault == KILL else "died"
    if heard.traceback is not None:
        return "broke"
    return "refused" if heard.refusal is not None else "finished"


def _judged(operation: Operation, world: World, heard: Told, *, thorough: bool) -> list[str]:
    """By a child, so that nothing that it opens stays open in the worker."""
    with tempfile.NamedTemporaryFile("w+", dir=world.folder) as verdict:

        def work() -> None:
            json.dump(judge(operation, world.place, heard, thorough=thorough), verdict)
            verdict.flush()

        pid = forked(work)
        with ended_in_time(pid) as late:
            status = os.waitpid(pid, 0)[1]
        if late or status:
            return [f"stuck: judging {'hung' if late else 'failed'}: {status}, {heard}"]
        verdict.seek(0)
        return list(json.load(verdict))
