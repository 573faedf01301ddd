"""Faults of the operating system, by strace: at the n-th call of one kind, in one unit of work."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

WRITING = ("write", "pwrite64", "writev", "pwritev", "copy_file_range", "sendfile")
"""What may be done in part. The journal uses none of them: it is not to be disturbed."""

ROOM = (*WRITING, "fallocate", "ftruncate", "mkdir", "rename", "link", "symlink", "fsync")
"""What a full disk may refuse."""

CHANGING = (
    *(*ROOM, "openat", "fdatasync", "renameat", "renameat2", "unlink", "unlinkat", "linkat"),
    *("mkdirat", "rmdir", "chmod", "fchmod", "fchmodat", "utimensat", "fcntl", "close"),
)
"""Before each of these, and so after the one before it, a program may be killed."""

FAILING = (*(call for call in CHANGING if call not in {"close", "fcntl"}), "read", "pread64")
"""What a failing disk may refuse. `close` is not told of by anybody, and `fcntl` is no disk."""

CALLS = {"kill": CHANGING, "eio": FAILING, "enospc": ROOM}
EFFECTS = {"kill": "signal=SIGKILL", "eio": "error=EIO", "enospc": "error=ENOSPC"}

_CALL = re.compile(r"^(\d+) +(\w+)\(")
_ATTACHING_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Point:
    """The `number`-th `call` of a thread, from 1, since unit of work `unit` began."""

    unit: int
    call: str
    number: int


def missing() -> str | None:
    """Why no fault can be injected here; None where it can."""
    if shutil.which("strace") is None:
        return "no strace: apt-get install -y strace"
    probe = ["strace", "-qq", "-o", os.devnull, "-e", "inject=close:error=EIO:when=1", "true"]
    ran = subprocess.run(probe, capture_output=True, text=True, check=False)
    return f"strace may not trace here: {ran.stderr.strip()}" if "ptrace" in ran.stderr else None


@contextmanager
def injected(pid: int, fault: str, point: Point, log: Path) -> Iterator[None]:
    """Attach to a process that waits, and do the fault to it once it reaches the point."""
    effect = f"inject={point.call}:{EFFECTS[fault]}:when={point.number}"
    with _strace(pid, (point.call,), log, "-e", effect):
        yield


@contextmanager
def recorded(pid: int, log: Path) -> Iterator[None]:
    """Attach to a process that waits, and write down its calls."""
    with _strace(pid, {*CHANGING, *FAILING, "sendto"}, log):
        yield


def was_injected(log: Path) -> bool:
    """Whether the point was reached."""
    return "INJECTED" in log.read_text()


@contextmanager
def _strace(pid: int, calls: Iterable[str], log: Path, *words: str) -> Iterator[None]:
    command = ["strace", "-f", "-qq", "-e", "raw=all", "-e", "signal=none", "-o", str(log)]
    command += ["-e", f"trace={','.join(calls)}", *words, "-p", str(pid)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        give_up = time.monotonic() + _ATTACHING_SECONDS
        while "TracerPid:\t0" in Path(f"/proc/{pid}/status").read_text():
            if tracer.poll() is not None or time.monotonic() > give_up:
                tracer.kill()
                raise RuntimeError(
                    f"strace did not attach: {tracer.stderr and tracer.stderr.read()}"
                )
            time.sleep(0.0005)
        yield


def points_of(log: Path, fault: str) -> list[Point]:
    """Every point of a recorded run, in the order in which they are first reached.

    Numbers are those of a thread: strace counts per thread, and the first to come there meets it.
    """
    unit, main, seen = -1, None, Counter[tuple[str, str]]()
    found: dict[Point, None] = {}
    for line in log.read_text().splitlines():
        if not (told := _CALL.match(line)):
            continue
        thread, call = told.groups()
        main = main or thread
        if call == "sendto" and thread == main:  # the journal: begun, done, begun, done, …
            seen.clear()
            unit += 1
            continue
        seen[thread, call] += 1
        if unit % 2 == 0 and call in CALLS[fault]:
            found[Point(unit // 2, call, seen[thread, call])] = None
    return list(found)
