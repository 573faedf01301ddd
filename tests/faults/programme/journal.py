"""The external journal: what the program was told, kept where no fault reaches it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Told:
    """What a run acknowledged before it ended.

    Attributes:
        promises: By unit of work, what its success promised.
        begun: The last unit that was begun; None where none was.
        refusal: The error by which that unit was refused, if it was.
        traceback: What else came out of it: nothing ever should.
    """

    promises: dict[int, Any] = field(default_factory=dict)
    begun: int | None = None
    refusal: str | None = None
    traceback: str | None = None

    @property
    def in_flight(self) -> int | None:
        """The unit that was begun and not acknowledged."""
        return None if self.begun in self.promises else self.begun


class Journal:
    """The worker's end: packets of a socket, whose calls no fault is injected into."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def wait(self, unit: int) -> None:
        """Until the parent has attached what it attaches."""
        self._tell(ready=unit)
        self._end.recv(1)

    def begin(self, unit: int) -> None:
        """A unit is begun."""
        self._tell(begun=unit)

    def acknowledge(self, unit: int, promise: object) -> None:
        """The unit is done."""
        self._tell(done=unit, promise=promise)

    def refuse(self, unit: int, error: str) -> None:
        """The unit is not done, and the caller was told why."""
        self._tell(refused=unit, error=error)

    def break_off(self, unit: int, traceback: str) -> None:
        """The unit ended in an error that nobody meant."""
        self._tell(broke=unit, error=traceback)

    def _tell(self, **what: object) -> None:
        self._end.send(json.dumps(what).encode())


def told(packets: Iterable[bytes]) -> Told:
    """What the packets say together."""
    found = Told()
    for packet in packets:
        match json.loads(packet):
            case {"begun": unit}:
                found.begun = unit
            case {"done": unit, "promise": promise}:
                found.promises[unit] = promise
            case {"refused": _, "error": error}:
                found.refusal = error
            case {"broke": _, "error": error}:
                found.traceback = error
    return found
