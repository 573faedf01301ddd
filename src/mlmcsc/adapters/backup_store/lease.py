"""A place held alone: among processes and machines, for as long as the holder lives.

The lease is a small file that is only ever changed on condition that it is still what was read. It
runs out unless renewed, so that a machine that died does not hold the place for ever; and it is
renewed by every `check`, so that a holder that was asleep learns that it lost the place before it
deletes anything.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final, Protocol

import orjson

from mlmcsc.errors import ConflictError, IntegrityError, StoreError

FILE: Final = "leases/place.json"
LARGEST: Final = 16 << 10
HELD: Final = timedelta(minutes=5)
"""How long a lease lasts without renewal."""
SKEW: Final = timedelta(minutes=1)
"""How far the clocks of two machines may be apart: only then is a lease believed to be over."""
RENEWED: Final = HELD.total_seconds() / 5


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """What the lease file says; times in RFC 3339, UTC. A free place has an empty token."""

    holder: str
    purpose: str
    token: str
    machine: str
    since: str
    until: str

    def raw(self) -> bytes:
        """The file."""
        return orjson.dumps(asdict(self), option=orjson.OPT_SORT_KEYS)


class LeaseFile(Protocol):
    """The file in its place. What was read is its own tag, or the place gives one."""

    def read(self) -> tuple[bytes, str] | None:
        """Content and tag; None where there is none."""
        ...

    def write(self, content: bytes, tag: str | None) -> str | None:
        """Replace what has this tag (None: make it where there is none); the new tag, or None."""
        ...


class HeldLease:
    """A lease that this process has; see `store.Lease`."""

    def __init__(self, place: str, file: LeaseFile, record: LeaseRecord, tag: str) -> None:
        self._place, self._file = place, file
        self._record, self._tag = record, tag
        self._lost = False
        self._one = threading.Lock()

    def check(self) -> None:
        """Renew it.

        Raises:
            ConflictError: It was lost.
            StoreError: The place cannot be asked.
        """
        with self._one:
            until = (datetime.now(UTC) + HELD).isoformat()
            if self._lost or not self._write(replace(self._record, until=until)):
                self._lost = True
                raise self._gone(_whose(self._file))

    def still(self) -> None:
        """Without asking the place: others believe it to be over only some time later.

        Raises:
            ConflictError: It was lost, or could not be renewed in time.
        """
        if self._lost or datetime.now(UTC) > datetime.fromisoformat(self._record.until):
            raise self._gone("which it could not renew in time")

    def release(self) -> None:
        """Let others have it; what was lost stays with whom it went to.

        What cannot be written now runs out by itself: the work that was done under it stands.
        """
        with self._one, suppress(StoreError):
            if not self._lost:
                self._write(replace(self._record, token="", until=self._record.since))

    def _gone(self, why: str) -> ConflictError:
        return ConflictError(
            f"{self._place}: {self._record.purpose} by {self._record.holder} lost its hold on this "
            f"place, {why}. It stopped before it deleted or published anything more. Run it again "
            "when the other is done."
        )

    def _write(self, record: LeaseRecord) -> bool:
        tag = self._file.write(record.raw(), self._tag)
        if tag is None:
            return False
        self._record, self._tag = record, tag
        return True


@contextmanager
def held(
    place: str, file: LeaseFile, purpose: str, holder: str, *, alone: bool
) -> Iterator[HeldLease]:
    """Hold a place for the block.

    Args:
        place: For messages.
        file: Where the lease is.
        purpose: What for, for the message that others get.
        holder: Who.
        alone: No other process of this machine can hold it: one that says so was killed.

    Raises:
        ConflictError: Somebody else holds it.
    """
    now = datetime.now(UTC)
    until = (now + HELD).isoformat()
    record = LeaseRecord(holder, purpose, secrets.token_hex(16), machine(), now.isoformat(), until)
    found = file.read()
    if found is not None:
        _refuse_held(place, found[0], now, alone=alone)
    tag = file.write(record.raw(), None if found is None else found[1])
    if tag is None:
        raise ConflictError(held_by(place, file))
    lease = HeldLease(place, file, record, tag)
    done = threading.Event()
    renewing = threading.Thread(target=_renew, args=(lease, done), name="mlmcsc-lease", daemon=True)
    renewing.start()
    try:
        yield lease
    finally:
        done.set()
        renewing.join()
        lease.release()


def _renew(lease: HeldLease, done: threading.Event) -> None:
    while not done.wait(RENEWED):
        try:
            lease.check()
        except ConflictError:
            return  # the holder's own next check tells it
        except StoreError:
            continue  # a network that is away for a minute: the lease lasts longer


def _refuse_held(place: str, raw: bytes, now: datetime, *, alone: bool) -> None:
    record = _parsed(place, raw, now)
    if not record.token or (alone and record.machine == machine()):
        return
    if datetime.fromisoformat(record.until) + SKEW > now:
        raise ConflictError(_message(place, record))


def _parsed(place: str, raw: bytes, now: datetime) -> LeaseRecord:
    try:
        record = LeaseRecord(**orjson.loads(raw))
        left = datetime.fromisoformat(record.until) - now
        if left > HELD + SKEW:  # nobody holds a place for longer than that at a time
            raise ValueError("too far ahead")  # noqa: TRY301  # told below with the others
    except (ValueError, TypeError, OverflowError) as error:
        raise IntegrityError(
            f"{place}: {FILE} cannot be read: it is damaged or not ours. Make sure that no backup "
            "is running there, delete this file, and try again."
        ) from error
    return record


def held_by(place: str, file: LeaseFile) -> str:
    """Who has a place that could not be had."""
    found = file.read()
    if found is None:
        return f"{place} is being taken by somebody else this moment. Try again."
    return _message(place, _parsed(place, found[0], datetime.now(UTC)))


def _message(place: str, record: LeaseRecord) -> str:
    return (
        f"{place} is held by {record.holder} for {record.purpose} since {record.since}, and until "
        f"{record.until} at least. Wait until it is done and try again; if that machine died, the "
        f"hold ends by itself {SKEW.seconds} s after that time."
    )


def _whose(file: LeaseFile) -> str:
    found = file.read()
    if found is None:
        return "whose lease file somebody removed"
    record = _parsed("The place", found[0], datetime.now(UTC))
    return f"which {record.holder or 'nobody'} has now for {record.purpose}"


@cache
def machine() -> str:
    """What tells this running system from others: its processes share locks of files."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        import uuid  # noqa: PLC0415  slow, and only outside Linux

        return f"{uuid.getnode():012x}"
