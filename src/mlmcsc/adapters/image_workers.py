"""Reading many image files in worker processes.

A worker is a fresh interpreter that answers lines of JSON on its standard input: not a fork
(native libraries run threads) and not `multiprocessing` (which would run the caller's script
again where it has no `__main__` guard). A file that kills its worker is reported as unreadable
and the others go on.
"""

from __future__ import annotations

import base64
import gc
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, tzinfo
from itertools import islice
from queue import SimpleQueue
from typing import Any, Self
from zoneinfo import ZoneInfo

import orjson

from mlmcsc.adapters.images import read_facts
from mlmcsc.domain.image_facts import Fingerprint, ImageFacts
from mlmcsc.errors import ImageFileError

CHUNK = 32
"""Files per request: large enough to hide the pipe, small enough for a moving progress bar."""

MEMORY_LIMIT = 8 << 30
"""Address space of a worker, in bytes: a hostile file cannot take the machine down."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How files are read; see `mlmcsc.adapters.images.read_facts`."""

    fingerprint: bool = True
    instrument_timezone: str = "UTC"
    max_pixels: int = 500_000_000


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that could not be read, and why."""

    path: str
    reason: str


Outcome = ImageFacts | Unreadable
FACTS = tuple(field.name for field in fields(ImageFacts))


def read_many(paths: Sequence[str], options: ReadOptions, workers: int) -> Iterator[list[Outcome]]:
    """Read files in order, a chunk at a time; `workers` of 1 or less reads in this process."""
    chunks = [paths[i : i + CHUNK] for i in range(0, len(paths), CHUNK)]
    if workers <= 1:
        for chunk in chunks:
            yield [_read(path, options) for path in chunk]
        return
    with _Pool(options, workers) as pool:
        yield from pool.map(chunks)


def _read(path: str, options: ReadOptions) -> Outcome:
    zone: tzinfo = UTC
    if options.instrument_timezone != "UTC":
        zone = ZoneInfo(options.instrument_timezone)
    try:
        return read_facts(
            path,
            fingerprint=options.fingerprint,
            instrument_timezone=zone,
            max_pixels=options.max_pixels,
        )
    except (ImageFileError, OSError) as error:
        return Unreadable(path, str(error))


class _Pool:
    """Worker processes, each fed by one thread."""

    def __init__(self, options: ReadOptions, workers: int) -> None:
        self._options = options
        self._idle: SimpleQueue[_Worker | None] = SimpleQueue()
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

    def map(self, chunks: Sequence[Sequence[str]]) -> Iterator[list[Outcome]]:
        """Answers in order, with a bounded number of chunks under way."""
        waiting: list[Future[list[Outcome]]] = []
        rest = iter(chunks)
        waiting += [self._threads.submit(self._ask, c) for c in islice(rest, self._workers * 4)]
        while waiting:
            yield waiting.pop(0).result()
            waiting += [self._threads.submit(self._ask, c) for c in islice(rest, 1)]

    def _ask(self, paths: Sequence[str]) -> list[Outcome]:
        worker = self._idle.get() or _Worker(self._options)
        try:
            answer = worker.ask(paths)
            if answer is not None:
                return answer
            worker.close()
            worker = _Worker(self._options)
            found: list[Outcome] = []
            for path in paths:  # one of them is the culprit: ask one by one
                single = worker.ask([path])
                if single is None:
                    worker.close()
                    worker = _Worker(self._options)
                    single = [
                        Unreadable(path, f"{path} made the image reader crash; it is damaged.")
                    ]
                found += single
            return found
        finally:
            self._idle.put(worker)


class _Worker:
    """One process, answering one request at a time."""

    def __init__(self, options: ReadOptions) -> None:
        self._process = subprocess.Popen(  # our own interpreter and module
            [sys.executable, "-m", "mlmcsc.adapters.image_workers"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the parent, which ends its workers
            env=os.environ
            | {
                "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
                "OPENBLAS_NUM_THREADS": "1",  # nothing here uses BLAS: halves NumPy's import
            },
        )
        self._options = options

    def ask(self, paths: Sequence[str]) -> list[Outcome] | None:
        """The facts of these files, or None if the process died."""
        pipe_in, pipe_out = self._process.stdin, self._process.stdout
        if pipe_in is None or pipe_out is None:
            return None
        request = {"options": asdict(self._options), "paths": [os.fsencode(p).hex() for p in paths]}
        try:
            pipe_in.write(orjson.dumps(request) + b"\n")
            pipe_in.flush()
        except BrokenPipeError:
            return None
        line = pipe_out.readline()
        return [_decode(item) for item in orjson.loads(line)] if line.endswith(b"\n") else None

    def close(self) -> None:
        """End the process and wait for it."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.terminate()
        self._process.wait()


def _encode(outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, Unreadable):
        return {"path": os.fsencode(outcome.path).hex(), "reason": outcome.reason}
    item = {name: getattr(outcome, name) for name in FACTS}
    if outcome.fingerprint is not None:
        fine = base64.b64encode(outcome.fingerprint.fine).decode()
        item["fingerprint"] = [outcome.fingerprint.coarse, fine]
    return item | {"path": os.fsencode(outcome.path).hex()}


def _decode(item: dict[str, Any]) -> Outcome:
    path = os.fsdecode(bytes.fromhex(item.pop("path")))
    if "reason" in item:
        return Unreadable(path, item["reason"])
    if item["captured_at"] is not None:
        item["captured_at"] = datetime.fromisoformat(item["captured_at"])
    if item["fingerprint"] is not None:
        coarse, fine = item["fingerprint"]
        item["fingerprint"] = Fingerprint(coarse, base64.b64decode(fine))
    return ImageFacts(path=path, **item)


def serve() -> None:
    """The worker's loop: a line of JSON in, a line of JSON out, until the input ends."""
    if sys.platform == "linux":
        import resource  # noqa: PLC0415  # POSIX only

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    gc.freeze()  # what was imported stays: collections need not look at it
    for line in sys.stdin.buffer:
        request = orjson.loads(line)
        options = ReadOptions(**request["options"])
        paths = [os.fsdecode(bytes.fromhex(path)) for path in request["paths"]]
        answer = orjson.dumps([_encode(_read(path, options)) for path in paths])
        sys.stdout.buffer.write(answer + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    serve()
