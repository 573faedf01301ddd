"""The erasure ledger: who was erased, without names, outside the database and its backups.

One JSON document a line: `format`, `database_id`, `subject_id`, `technician_row`, `labels`,
`erased_at` (RFC 3339), `withdrawn` (whether that was taken back before anything was erased),
`previous` (SHA-256, hex, of the line before without its end; 64 zeros in the first) and
`signature` (Ed25519, hex, by the database's signing key) over the document without the signature
as compact JSON with sorted keys, in UTF-8.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import orjson

from mlmcsc.adapters.keystore.private_file import make_private_folder
from mlmcsc.adapters.managed_files import sync_folder
from mlmcsc.domain.privacy.erased import LedgerEntry
from mlmcsc.errors import IntegrityError, StoreError

FORMAT: Final = "mlmcsc-erasure-1"
NOTHING_BEFORE: Final = "0" * 64
LOCK_SECONDS: Final = 30.0

Sign = Callable[[bytes], bytes]
"""From a message to its signature."""
Verify = Callable[[bytes, bytes], bool]
"""From a message and a signature to whether they belong together."""


@dataclass(frozen=True, slots=True)
class ErasureLedger:
    """The ledger of one database.

    Attributes:
        path: The file; None for a database in memory, which leaves nothing behind to be erased.
    """

    path: Path | None

    def entries(self, verify: Verify, known: Collection[str] = ()) -> list[LedgerEntry]:
        """All entries, oldest first.

        Args:
            verify: Checks a signature.
            known: SHA-256 (hex) of lines that must be there: as `append` returned them.

        Raises:
            IntegrityError: The file is missing; or a line was changed, removed or added by
                another hand.
            StoreError: The file cannot be read.
        """
        if self.path is None:
            return []
        lines = _lines(self.path)
        entries = _parsed(self.path, lines, verify)
        lost = set(known) - {NOTHING_BEFORE} - {_sha256(line) for line in lines}
        if lost:
            raise IntegrityError(
                f"The erasure ledger {self.path} is missing or was cut: it lacks {len(lost)} of "
                "the lines that this database wrote to it, and people who were erased may be back "
                "unnoticed. Put back a good copy of the file."
            )
        return entries

    def position(self, verify: Verify, known: Collection[str] = ()) -> tuple[int, str]:
        """How many lines there are, and the SHA-256 (hex) of the last; 64 zeros where none is.

        Raises:
            IntegrityError, StoreError: As `entries`.
        """
        if self.path is None:
            return 0, NOTHING_BEFORE
        self.entries(verify, known)
        lines = _lines(self.path)  # only ever longer than what was just checked
        return len(lines), _sha256(lines[-1]) if lines else NOTHING_BEFORE

    def append(self, entry: LedgerEntry, sign: Sign, verify: Verify) -> str:
        """Add an entry durably, unless the person's last line says the same already.

        Returns:
            SHA-256 (hex) of its line.

        Raises:
            IntegrityError: The ledger was changed by another hand; nothing was added.
            StoreError: It cannot be written; nothing was added.
        """
        if self.path is None:
            return NOTHING_BEFORE
        with _locked(self.path):
            lines = _lines(self.path)
            known = _parsed(self.path, lines, verify)
            who = entry.subject_id
            mine = [n for n, there in enumerate(known) if there.subject_id == who]
            if mine and known[mine[-1]].withdrawn == entry.withdrawn:
                return _sha256(lines[mine[-1]])
            previous = _sha256(lines[-1]) if lines else NOTHING_BEFORE
            document = {"format": FORMAT, **entry.to_dict(), "previous": previous}
            document["signature"] = sign(_signed(document)).hex()
            line = orjson.dumps(document)
            _add(self.path, sum(len(each) + 1 for each in lines), line + b"\n")
        return _sha256(line)


def _lines(path: Path) -> list[bytes]:
    """Whole lines; one without its end was cut short by a failure, and was never relied on."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unusable(path, error) from error
    return content.split(b"\n")[:-1]


def _parsed(path: Path, lines: list[bytes], verify: Verify) -> list[LedgerEntry]:
    previous, entries = NOTHING_BEFORE, []
    for number, line in enumerate(lines, 1):
        entry = _entry(line, previous, verify)
        if entry is None:
            raise IntegrityError(
                f"Line {number} of the erasure ledger {path} was changed, or belongs to another "
                "ledger; nothing was done. Put back a good copy of the file."
            )
        entries.append(entry)
        previous = _sha256(line)
    return entries


def _entry(line: bytes, previous: str, verify: Verify) -> LedgerEntry | None:
    """What a line says; None if it does not follow the one before, or another hand wrote it."""
    try:
        document = orjson.loads(line)
        signature = bytes.fromhex(document["signature"])
        names = (field.name for field in fields(LedgerEntry))
        entry = LedgerEntry(**{name: document[name] for name in names if name in document})
        follows = document["format"] == FORMAT and document["previous"] == previous
    except (ValueError, TypeError, KeyError):
        return None
    return entry if follows and verify(_signed(document), signature) else None


def _signed(document: dict[str, Any]) -> bytes:
    content = {name: value for name, value in document.items() if name != "signature"}
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)


def _sha256(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def _add(path: Path, end: int, line: bytes) -> None:
    """Write at the end of the whole lines, all or nothing."""
    is_new = not path.exists()
    handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
    try:
        os.ftruncate(handle, end)
        os.lseek(handle, end, os.SEEK_SET)
        try:
            _write_whole(handle, line)
            os.fsync(handle)
        except OSError:
            os.ftruncate(handle, end)
            raise
    finally:
        os.close(handle)
    if is_new:
        sync_folder(path.parent)


def _write_whole(handle: int, line: bytes) -> None:
    if os.write(handle, line) != len(line):  # a full disk takes a part
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout  # noqa: PLC0415  35 ms, only to write

    try:
        make_private_folder(path.parent)
        with FileLock(path.with_name(f"{path.name}.lock"), timeout=LOCK_SECONDS, mode=0o600):
            yield
    except Timeout:
        raise StoreError(
            f"The erasure ledger {path} is being written by another process since "
            f"{LOCK_SECONDS:g} s; the erasure waits. End that process and repeat."
        ) from None
    except OSError as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"The erasure ledger {path} cannot be used: {error.strerror or error}. The erasure waits: "
        "check free space and permissions, then run the same command again."
    )
