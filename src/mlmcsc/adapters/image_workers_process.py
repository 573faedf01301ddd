"""A worker process of `image_workers`: one line of JSON asks for files, one line answers.

It imports no more than reading needs, because every worker starts anew.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, tzinfo
from operator import attrgetter
from typing import Any

import orjson

from mlmcsc.adapters.images import read_facts
from mlmcsc.domain.image_facts import Fingerprint, ImageFacts
from mlmcsc.errors import ImageFileError

MEMORY_LIMIT = 8 << 30
"""Address space of a worker, in bytes: a hostile file cannot take the machine down."""

NAMES = ("path", "filename")
SENT = tuple(field.name for field in fields(ImageFacts) if field.name not in NAMES)
"""What an answer holds of each file, in this order; who asked knows the names."""

facts_sent = attrgetter(*SENT)


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


def read_one(path: str, options: ReadOptions) -> Outcome:
    """Read one file; whatever is wrong with it, the next one can be read."""
    zone: tzinfo = UTC
    if options.instrument_timezone != "UTC":
        from zoneinfo import ZoneInfo  # noqa: PLC0415  # most instruments' clocks are set to UTC

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
    except MemoryError:
        return Unreadable(
            path,
            f"{path}: reading it needs more memory than there is. Lower max_pixels, or ingest it "
            "on a larger machine.",
        )
    except Exception as error:  # noqa: BLE001  # foreign decoders raise anything on hostile bytes
        return Unreadable(
            path,
            f"{path}: reading failed with {type(error).__name__}: {error}. Copy the file again "
            "from the instrument, or leave it out.",
        )


def request(paths: Sequence[str], options: ReadOptions, seconds: float) -> bytes:
    """The line that asks for these files; paths in hex, since not every name is Unicode."""
    names = [os.fsencode(path).hex() for path in paths]
    return orjson.dumps([names, options, seconds]) + b"\n"


def answer(line: bytes) -> bytes:
    """Read the files that a request names; the line to send back."""
    names, options, seconds = orjson.loads(line)
    limit_processor_time(seconds)
    asked = ReadOptions(**options)
    read = (read_one(os.fsdecode(bytes.fromhex(name)), asked) for name in names)
    return b"[" + b",".join(map(_encode, read)) + b"]\n"


def outcomes(line: bytes, paths: Sequence[str]) -> list[Outcome]:
    """What an answer says of these files."""
    return [_decode(item, path) for item, path in zip(orjson.loads(line), paths, strict=True)]


def _encode(outcome: Outcome) -> bytes:
    if isinstance(outcome, Unreadable):
        return orjson.dumps(outcome.reason.encode(errors="backslashreplace").decode())
    try:
        return orjson.dumps(facts_sent(outcome), default=bytes.hex)
    except TypeError as error:  # e.g. half a surrogate pair in an instrument's JSON
        return _encode(
            Unreadable(
                outcome.path,
                f"{outcome.path}: its metadata cannot be stored: {error}. Export the file again.",
            )
        )


def _decode(item: Any, path: str) -> Outcome:
    if isinstance(item, str):
        return Unreadable(path, item)
    facts = dict(zip(SENT, item, strict=True))
    if facts["captured_at"] is not None:
        facts["captured_at"] = datetime.fromisoformat(facts["captured_at"])
    seen = facts["fingerprint"]
    if seen is not None:
        facts["fingerprint"] = Fingerprint(seen["coarse"], bytes.fromhex(seen["fine"]))
    absolute = os.path.abspath(path)
    return ImageFacts(path=absolute, filename=os.path.basename(absolute), **facts)


def _limit_memory() -> None:
    if sys.platform == "linux":
        import resource  # noqa: PLC0415  # POSIX only

        _, hard = resource.getrlimit(resource.RLIMIT_AS)  # lower on a cluster, and then it counts
        limit = MEMORY_LIMIT if hard == resource.RLIM_INFINITY else min(MEMORY_LIMIT, hard)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def limit_processor_time(seconds: float) -> None:
    """End this process when it computes for so long: even where nobody waits for it any more."""
    if sys.platform != "win32":
        import resource  # noqa: PLC0415  # POSIX only

        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        soft = int(time.process_time() + seconds) + 1
        if hard != resource.RLIM_INFINITY:
            soft = min(soft, hard)
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def serve(reply: Callable[[bytes], bytes] = answer) -> None:
    """Answer requests until the input ends."""
    _limit_memory()
    gc.freeze()  # what was imported stays: collections need not look at it
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(reply(line))
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    serve()
