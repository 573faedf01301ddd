"""Short writes that really happen: the kernel is asked to write half of what the program asked.

strace can only claim that less was written, while nothing was. Here the length of the call is
halved as the program enters it, so the kernel writes that much and says so, as it may at any time.
Linux on x86-64 only.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
from dataclasses import dataclass, field

SEIZE, INTERRUPT, CONT, SYSCALL, GETREGS, SETREGS = 0x4206, 0x4207, 7, 24, 12, 13
TRACE_CLONE, SYSGOOD = 0x8, 0x1
STOPPED_AT_CALL = signal.SIGTRAP | 0x80
WALL = 0x40000000

RDX, RSI, R10, R8, ORIG_RAX = 12, 13, 7, 9, 15
LENGTHS = {1: RDX, 18: RDX, 40: R10, 326: R8}
"""Where write, pwrite64, sendfile and copy_file_range keep the length, by number of the call."""

_Registers = ctypes.c_ulonglong * 27
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def missing() -> str | None:
    """Why no write can be shortened here; None where it can."""
    fit = platform.system() == "Linux" and platform.machine() == "x86_64"
    return None if fit else f"writes are shortened on Linux x86-64 only, not {platform.platform()}"


@dataclass(slots=True)
class Shortening:
    """Halves the `number`-th write of a process, counted over all its threads.

    Attributes:
        pid: A child of this process, which waits.
        number: Which write, from 1; 0 counts only.
        seen: Writes of two bytes and more so far.
        done: Whether one was shortened.
    """

    pid: int
    number: int
    seen: int = 0
    done: bool = False
    _inside: set[int] = field(default_factory=set)

    def attach(self) -> None:
        """Before the child is told to go on."""
        _ptrace(SEIZE, self.pid, TRACE_CLONE | SYSGOOD)
        _ptrace(INTERRUPT, self.pid)

    def follow(self) -> int:
        """Until the child ends; returns its status as `waitpid` does."""
        while True:
            thread, status = os.waitpid(-1, WALL)
            if os.WIFEXITED(status) or os.WIFSIGNALED(status):
                if thread == self.pid:
                    return status
                continue
            passed_on = 0
            if os.WSTOPSIG(status) == STOPPED_AT_CALL:
                self._at_call(thread)
            elif status >> 16 == 0:  # a signal of its own, not a stop of ours
                passed_on = os.WSTOPSIG(status)
            try:
                _ptrace(CONT if self.done else SYSCALL, thread, passed_on)
            except ProcessLookupError:  # it ended meanwhile
                continue

    def _at_call(self, thread: int) -> None:
        if thread in self._inside:  # it returns
            self._inside.discard(thread)
            return
        self._inside.add(thread)
        registers = _Registers()
        _ptrace(GETREGS, thread, ctypes.addressof(registers))
        length = LENGTHS.get(registers[ORIG_RAX])
        if length is None or registers[length] < 2:
            return
        self.seen += 1
        if self.seen == self.number:
            registers[length] //= 2
            _ptrace(SETREGS, thread, ctypes.addressof(registers))
            self.done = True


def _ptrace(request: int, pid: int, data: int = 0) -> None:
    if _libc.ptrace(request, pid, None, data) == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
