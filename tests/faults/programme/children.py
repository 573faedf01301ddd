"""Forked children of a warm worker: one that works, one that judges."""

from __future__ import annotations

import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from journal import Journal, Told, told
from operations.operation import Operation
from world import World

from mlmcsc.errors import MlmcscError

PATIENCE_SECONDS = 120
_PACKET = 1 << 20


class Worker:
    """Performs units up to `last`, and waits at the beginning of unit `gate`.

    Attributes:
        pid: Of the process.
        hung: Whether it had to be ended for want of patience.
    """

    def __init__(self, operation: Operation, world: World, gate: int, last: int) -> None:
        self._end, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._packets: list[bytes] = []
        self.hung = False

        def work() -> None:
            self._end.close()
            _perform(operation, world, Journal(theirs), gate, last)

        self.pid = forked(work)
        theirs.close()
        while b'"ready"' not in (packet := self._end.recv(_PACKET)):
            if not packet:
                raise RuntimeError(f"it did not come to unit {gate}: {told(self._packets)}")
            self._packets.append(packet)

    def run(self, wait: Callable[[], int] | None = None) -> tuple[int, Told]:
        """Let it go on until it ends; its wait status, and what it was told."""
        with ended_in_time(self.pid) as late:
            self._end.send(b"x")
            status = wait() if wait is not None else os.waitpid(self.pid, 0)[1]
        self.hung = bool(late)
        while packet := self._end.recv(_PACKET):
            self._packets.append(packet)
        self._end.close()
        return status, told(self._packets)


def _perform(operation: Operation, world: World, journal: Journal, gate: int, last: int) -> None:
    for unit in range(last + 1):
        if unit == gate:
            journal.wait(unit)
        journal.begin(unit)
        try:
            promise = operation.perform(world.place, unit)
        except MlmcscError as error:
            return journal.refuse(unit, f"{type(error).__name__}: {error}")
        except BaseException:  # noqa: BLE001  # told in the results
            return journal.break_off(unit, traceback.format_exc())
        journal.acknowledge(unit, promise)
    return None


def forked(work: Callable[[], None]) -> int:
    """A child that does this and ends."""
    pid = os.fork()
    if not pid:
        _end_after(work)
    return pid


def _end_after(work: Callable[[], None]) -> NoReturn:
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        work()
        os._exit(0)
    except BaseException:  # noqa: BLE001  # a child must never go on in its parent's place
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(70)


@contextmanager
def ended_in_time(pid: int) -> Iterator[list[int]]:
    """Kill it when it takes too long; the list is empty unless that was so."""
    late: list[int] = []

    def end(_number: int, _frame: FrameType | None) -> None:
        late.append(pid)
        os.kill(pid, signal.SIGKILL)

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(PATIENCE_SECONDS)
    try:
        yield late
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
