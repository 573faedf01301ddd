"""All runs of an operation and a fault: in parallel, resumable, telling how far it has come."""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import planning
from injecting import Point
from one_run import FULL, Result, rehearse, run
from operations import OPERATIONS
from world import World

TOLD_EVERY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Programme:
    """What is done with which means.

    Attributes:
        scratch: For the worlds; in memory, where nothing waits for a disk.
        results: Folder of one file of results for each operation and fault.
        workers: Processes.
    """

    scratch: Path
    results: Path
    workers: int

    def carry_out(
        self, operation: str, faults: Mapping[str, int]
    ) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """Each fault with its results, once so many of it happened; earlier calls count."""
        with ExitStack() as stack:
            pool = None
            for fault, wanted in faults.items():
                file = self.results / f"{operation}-{fault}.jsonl"
                done = _read(file)
                tally = _Tally(operation, fault, wanted, sum(each["reached"] for each in done))
                if tally.reached < wanted:
                    pool = pool or stack.enter_context(self._pool(operation, FULL in faults))
                    done += self._more(pool, file, fault, tally, done)
                yield fault, done

    def _more(
        self,
        pool: ProcessPoolExecutor,
        file: Path,
        fault: str,
        tally: _Tally,
        done: Sequence[Mapping[str, Any]],
    ) -> list[dict[str, Any]]:
        passed = Counter(Point(**each["point"]) for each in done)
        points = pool.submit(_points, fault).result()
        ahead = _without(planning.in_order(points, fault, tally.wanted), passed)
        found = []
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a") as results:
            for result in _in_parallel(pool, fault, ahead, tally, 2 * self.workers):
                line = result.to_json()
                results.write(f"{line}\n")
                results.flush()
                found.append(json.loads(line))
        tally.tell(at_last=True)
        return found

    @contextmanager
    def _pool(self, operation: str, mounted: bool) -> Iterator[ProcessPoolExecutor]:
        folder = self.scratch / operation
        try:
            with ProcessPoolExecutor(
                self.workers,
                get_context("fork"),
                initializer=_set_up,
                initargs=(operation, folder, mounted),
            ) as pool:
                yield pool
        finally:
            for place in folder.glob("*/world") if mounted else ():
                subprocess.run(["umount", "-l", str(place)], check=False, capture_output=True)
            shutil.rmtree(folder, ignore_errors=True)


def _read(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def _without(points: Iterator[Point], passed: Counter[Point]) -> Iterator[Point]:
    """Those that an earlier call has not tried, as often as it has."""
    for point in points:
        if passed[point]:
            passed[point] -= 1
        else:
            yield point


class _Tally:
    """How far it has come."""

    def __init__(self, operation: str, fault: str, wanted: int, reached: int) -> None:
        self.what, self.wanted, self.reached = f"{operation:8} {fault:6}", wanted, reached
        self._before, self._wrong = reached, 0
        self._began = self._told = time.monotonic()

    def count(self, result: Result) -> None:
        """One more."""
        self.reached += result.reached
        self._wrong += bool(result.problems)
        self.tell(at_last=False)

    def tell(self, *, at_last: bool) -> None:
        """A line, now and then."""
        now = time.monotonic()
        if not at_last and now - self._told < TOLD_EVERY_SECONDS:
            return
        self._told = now
        speed = (self.reached - self._before) / max(now - self._began, 0.001)
        left = (self.wanted - self.reached) / speed if speed else 0.0
        sys.stderr.write(
            f"{self.what} {self.reached:5}/{self.wanted}  {speed:5.1f}/s  "
            f"{max(left, 0):4.0f} s left  {self._wrong} with problems\n"
        )


def _in_parallel(
    pool: ProcessPoolExecutor,
    fault: str,
    ahead: Iterator[Point],
    tally: _Tally,
    at_once: int,
) -> Iterator[Result]:
    """Results as they come, until enough faults happened or no point is left."""
    waiting: set[Future[Result]] = set()
    while True:
        while len(waiting) < min(at_once, tally.wanted - tally.reached):
            point = next(ahead, None)
            if point is None:
                break
            waiting.add(pool.submit(_run, fault, point))
        if not waiting:
            return
        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        for each in done:
            tally.count(each.result())
            yield each.result()


_MINE: dict[str, Any] = {}
"""What one worker has made for itself."""


def _set_up(operation: str, folder: Path, mounted: bool) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # tidying up is the parent's
    world = World(folder / str(os.getpid()))
    _MINE.update(operation=OPERATIONS[operation], world=world)
    world.prepare(OPERATIONS[operation], mounted=mounted)
    rehearse(OPERATIONS[operation], world)
    gc.collect()
    gc.freeze()  # children share these pages, and never look through them


def _points(fault: str) -> list[Point]:
    return planning.every_point(_MINE["operation"], _MINE["world"], fault)


def _run(fault: str, point: Point) -> Result:
    return run(_MINE["operation"], _MINE["world"], fault, point)
