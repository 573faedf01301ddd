"""Working on many image files in worker processes: reading them, or whatever a `Work` is.

A worker is a fresh interpreter that answers lines of JSON on its standard input: not a fork
(native libraries run threads) and not `multiprocessing` (which would run the caller's script
again where it has no `__main__` guard). A file that kills its worker, or keeps it busy for too
long, is reported as unreadable and the others go on.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from queue import SimpleQueue
from typing import Generic, Protocol, Self, TypeVar

from mlmcsc.adapters import image_workers_process as process
from mlmcsc.adapters.image_workers_process import Outcome, ReadOptions, Unreadable, read_one

__all__ = ["Outcome", "ReadOptions", "Unreadable", "Work", "in_workers", "read_many"]

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")
AskedT_contra = TypeVar("AskedT_contra", contravariant=True)
FoundT = TypeVar("FoundT")

CHUNK = 32
"""Files per request: large enough to hide the pipe, small enough for a moving progress bar."""

SECONDS_PER_FILE = 5.0
LEAST_SECONDS = 60.0
"""A request may take `SECONDS_PER_FILE` for each file, and at least `LEAST_SECONDS`: a file of
2 GB from a network share arrives in time, and a hanging share or decoder stops no ingest."""

SECONDS_TO_DIE = 5.0
"""How long a killed worker is waited for: one that hangs inside the kernel may outlive us."""

PIPE_READ = 1 << 20

AHEAD = 16
"""Requests under way per worker: they go on reading while a batch is copied and committed."""

HEAP = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 28),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 28),
    "MALLOC_TOP_PAD_": str(1 << 24),
}
"""The C library (glibc; others ignore it) keeps the memory of one picture for the next. Fresh pages
from the kernel for each file cost more than reading it from the page cache."""


def read_many(paths: Sequence[str], options: ReadOptions, workers: int) -> Iterator[list[Outcome]]:
    """Read files in order, a chunk at a time.

    Args:
        paths: The files.
        options: How they are read.
        workers: Processes; 1 or less reads in this process, where nothing limits the time or the
            memory that a file takes.
    """
    chunks = [paths[i : i + CHUNK] for i in range(0, len(paths), CHUNK)]
    if workers <= 1:
        for chunk in chunks:
            yield [read_one(path, options) for path in chunk]
        return
    yield from in_workers(chunks, _Reading(options), workers)


class Work(Protocol[AskedT_contra, FoundT]):
    """What the processes do with items: how it is asked for, and what an answer means.

    Attributes:
        module: What a process runs; it answers each line with one, see `image_workers_process`.
    """

    @property
    def module(self) -> str:
        """What a process runs."""
        ...

    def request(self, items: Sequence[AskedT_contra], seconds: float) -> bytes:
        """The line that asks for these items, to be done in so many seconds."""
        ...

    def outcomes(self, line: bytes, items: Sequence[AskedT_contra]) -> list[FoundT]:
        """What an answer says of them."""
        ...

    def lost(self, item: AskedT_contra, why: str) -> FoundT:
        """The outcome for an item that ended its process."""
        ...


def in_workers(
    chunks: Iterable[Sequence[ItemT]], work: Work[ItemT, ResultT], workers: int
) -> Iterator[list[ResultT]]:
    """Do the work in processes; answers come in order, a chunk at a time.

    Args:
        chunks: The items of each request; taken as they are needed.
        work: What is done.
        workers: Processes, 1 or more.
    """
    with _Pool(work, workers) as pool:
        yield from pool.map(chunks)


@dataclass(frozen=True, slots=True)
class _Reading:
    """Reading files, as ingest does."""

    options: ReadOptions
    module: str = "mlmcsc.adapters.image_workers_process"

    def request(self, items: Sequence[str], seconds: float) -> bytes:
        return process.request(items, self.options, seconds)

    def outcomes(self, line: bytes, items: Sequence[str]) -> list[Outcome]:
        return process.outcomes(line, items)

    def lost(self, item: str, why: str) -> Outcome:
        return Unreadable(item, f"{item} {why}")


class _WorkerLostError(Exception):
    """A worker did not answer; the message says why, in words that follow a file's name."""


class _Pool(Generic[ItemT, ResultT]):
    """Worker processes, each fed by one thread."""

    def __init__(self, work: Work[ItemT, ResultT], workers: int) -> None:
        self._work = work
        self._idle: SimpleQueue[_Worker[ItemT, ResultT] | None] = SimpleQueue()
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="mlmcsc-read")
        self._workers = workers
        for _ in range(workers):
            self._idle.put(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)
        for _thread in range(self._workers):
            worker = self._idle.get()
            if worker is not None:
                worker.close()

    def map(self, chunks: Iterable[Sequence[ItemT]]) -> Iterator[list[ResultT]]:
        """Answers in order, with a bounded number of chunks under way."""
        waiting: list[Future[list[ResultT]]] = []
        rest = iter(chunks)
        waiting += [self._threads.submit(self._ask, c) for c in islice(rest, self._workers * AHEAD)]
        while waiting:
            yield waiting.pop(0).result()
            waiting += [self._threads.submit(self._ask, c) for c in islice(rest, 1)]

    def _ask(self, items: Sequence[ItemT]) -> list[ResultT]:
        try:
            return self._once(items)
        except _WorkerLostError:  # one of them is the culprit: ask one by one
            return [self._alone(item) for item in items]

    def _alone(self, item: ItemT) -> ResultT:
        try:
            return self._once([item])[0]
        except _WorkerLostError as lost:
            return self._work.lost(item, str(lost))

    def _once(self, items: Sequence[ItemT]) -> list[ResultT]:
        """Ask an idle worker, or a new one; one that fails is ended and not used again."""
        worker = self._idle.get()
        try:
            if worker is not None and worker.ended:  # while idle: no file is to blame
                worker.close()
                worker = None
            worker = worker or _Worker(self._work)
            return worker.ask(items)
        except BaseException:
            if worker is not None:
                worker.close()
            worker = None
            raise
        finally:
            self._idle.put(worker)


class _Worker(Generic[ItemT, ResultT]):
    """One process, answering one request at a time."""

    def __init__(self, work: Work[ItemT, ResultT]) -> None:
        self._work = work
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, and a module named in our code
            # -S: the paths come with PYTHONPATH, and finding them anew is a third of the start
            [sys.executable, "-S", "-m", work.module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,  # Ctrl-C is for the parent, which ends its workers
            env=os.environ
            | {
                "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
                "OPENBLAS_NUM_THREADS": "1",  # nothing here uses BLAS much: halves NumPy's import
                **HEAP,
            },
        )

    @property
    def ended(self) -> bool:
        """Whether the process is gone already."""
        return self._process.poll() is not None

    def ask(self, items: Sequence[ItemT]) -> list[ResultT]:
        """What comes of these items.

        Raises:
            _WorkerLostError: When the process died or took too long; it is of no more use.
        """
        seconds = max(LEAST_SECONDS, SECONDS_PER_FILE * len(items))
        give_up = time.monotonic() + seconds
        try:
            self._send(self._work.request(items, seconds), give_up)
            line = self._receive(give_up)
        except BrokenPipeError:
            line = b""
        except TimeoutError:
            raise _WorkerLostError(
                f"kept the image reader busy for more than {seconds:g} s and was given up. If the "
                "file and its disk are sound, repeat with workers=1, which sets no limit."
            ) from None
        if not line.endswith(b"\n"):
            raise _WorkerLostError("made the image reader crash; it is damaged.")
        return self._work.outcomes(line, items)

    def _send(self, line: bytes, give_up: float) -> None:
        pipe = self._process.stdin
        rest = memoryview(line)
        while pipe is not None and rest:
            _wait_for(pipe.fileno(), select.POLLOUT, give_up)
            rest = rest[os.write(pipe.fileno(), rest[: select.PIPE_BUF]) :]

    def _receive(self, give_up: float) -> bytes:
        """One line, or what came of it before the process ended."""
        pipe = self._process.stdout
        found = b""
        while pipe is not None and not found.endswith(b"\n"):
            _wait_for(pipe.fileno(), select.POLLIN, give_up)
            part = os.read(pipe.fileno(), PIPE_READ)
            if not part:
                break
            found += part
        return found

    def close(self) -> None:
        """End the process and wait for it."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()  # unbuffered: nothing is left to send to a dead process
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(SECONDS_TO_DIE)


def _wait_for(descriptor: int, event: int, give_up: float) -> None:
    """Wait until a pipe can be used or is broken.

    Raises:
        TimeoutError: When that is not before `give_up` on the monotonic clock.
    """
    waiting = select.poll()
    waiting.register(descriptor, event)
    if not waiting.poll(max(0.0, give_up - time.monotonic()) * 1000):
        raise TimeoutError
