"""The file of people's wrapped data keys, beside the erasure ledger; never in a backup.

JSON with `format`, `database_id`, `public_key` (Ed25519, hex, of the audit trail), `keys` (subject
id to `key_id` and `wrapped`: the data key under that master key, AES-256-GCM with the subject id
as associated data, in base64) and `forgotten` (subject ids of people who were erased). Mode 0600,
each change replaces it whole, under a lock file beside it.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from mlmcsc.adapters.keystore.private_file import (
    Sort,
    make_private_folder,
    read_private,
    remove_drafts,
    write_private,
)
from mlmcsc.domain.privacy.data_keys import DataKeys, WrappedKey
from mlmcsc.errors import IntegrityError, MissingKeyError, NoKeyError, StoreError

FORMAT: Final = "mlmcsc-data-keys-1"
ENDING: Final = ".datakeys.json"
LOCK_SECONDS: Final = 30.0

REPAIR: Final = (
    "Put back a good copy of the file, or move it away and run `mlmcsc backup create`, which "
    "writes it anew from the database."
)
_SORT: Final = Sort("file of data keys", REPAIR, 64 << 20)

_MEMBERS: Final = {"format", "database_id", "public_key", "keys", "forgotten"}
_SUBJECT: Final = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)
_PUBLIC: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_LONGEST_KEY_ID: Final = 64
_WRAPPED_BYTES: Final = 60
"""Nonce of 12, key of 32 and tag of 16 bytes."""


@dataclass(frozen=True, slots=True)
class DataKeyFile:
    """Data keys of one database and its copies.

    Attributes:
        path: The file; None for a database in memory, of which nothing is kept.
    """

    path: Path | None

    def read(self) -> DataKeys | None:
        """What is kept; None where there is no file.

        Raises:
            IntegrityError: It is damaged, or no such file.
            StoreError: It cannot be read, or others than its owner may.
        """
        if self.path is None:
            return None
        try:
            text = read_private(self.path, _SORT)
        except NoKeyError:
            return None
        except MissingKeyError as error:
            raise StoreError(str(error)) from error
        return _parsed(self.path, text)

    def update(self, change: Callable[[DataKeys | None], DataKeys]) -> DataKeys:
        """Replace what is kept, durably, and whole or not at all.

        `change` reads the database while the file is locked: so nobody who read it earlier writes
        later, and what was erased or wrapped anew meanwhile does not come back. It must not be
        called within a transaction that writes, which would wait for the lock.

        Args:
            change: From what is kept (None where there is no file) to what shall be.

        Raises:
            IntegrityError: The file is damaged; it was left as it is.
            StoreError: It cannot be written; nothing was changed.
        """
        if self.path is None:
            return change(None)
        with _locked(self.path) as file:
            before = self.read()
            after = change(before)
            if after != before:
                try:
                    write_private(file, _document(after), is_new=before is None)
                except OSError as error:
                    raise _unusable(self.path, error) from error
        return after


def _document(keys: DataKeys) -> bytes:
    document = {
        "format": FORMAT,
        "database_id": keys.database_id,
        "public_key": keys.public_key,
        "keys": {
            who: {"key_id": key_id, "wrapped": base64.b64encode(wrapped).decode()}
            for who, (key_id, wrapped) in keys.keys.items()
        },
        "forgotten": sorted(keys.forgotten),
    }
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2)


def _parsed(path: Path, text: bytes) -> DataKeys:
    try:
        found = orjson.loads(text)
        if set(found) != _MEMBERS or found["format"] != FORMAT:
            raise ValueError("other members")  # noqa: TRY301  # told below with the others
        if f"{found['database_id']}{ENDING}" != path.name:
            raise ValueError("of another database")  # noqa: TRY301
        keys = {_text(_SUBJECT, who): _wrapped(each) for who, each in found["keys"].items()}
        forgotten = frozenset(_text(_SUBJECT, who) for who in found["forgotten"])
        if forgotten & keys.keys():
            raise ValueError("an erased person's key")  # noqa: TRY301
        return DataKeys(found["database_id"], _text(_PUBLIC, found["public_key"]), keys, forgotten)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise IntegrityError(
            f"The file of data keys {path} is damaged: {error}. Nothing was changed. {REPAIR}"
        ) from error


def _wrapped(entry: Any) -> WrappedKey:
    key_id, wrapped = entry["key_id"], base64.b64decode(entry["wrapped"], validate=True)
    if len(entry) != 2 or len(wrapped) != _WRAPPED_BYTES:  # noqa: PLR2004  # these two members
        raise ValueError("an entry of another form")
    if not isinstance(key_id, str) or not 0 < len(key_id) <= _LONGEST_KEY_ID:
        raise ValueError("a key id of another form")
    return key_id, wrapped


def _text(form: re.Pattern[str], value: Any) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise ValueError("an id of another form")
    return value


@contextmanager
def _locked(path: Path) -> Iterator[Path]:
    """Wait for other writers; gives the file itself, behind a symbolic link."""
    from filelock import FileLock, Timeout  # noqa: PLC0415  35 ms, only to write

    file = Path(os.path.realpath(path))
    try:
        make_private_folder(file.parent)
        lock = FileLock(file.with_name(f"{file.name}.lock"), timeout=LOCK_SECONDS, mode=0o600)
        lock.acquire()
    except Timeout:
        raise StoreError(
            f"The file of data keys {path} is being written by another process since "
            f"{LOCK_SECONDS:g} s. Nothing was changed; end that process and repeat."
        ) from None
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        remove_drafts(file)
        yield file
    finally:
        lock.release()


def _unusable(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"The file of data keys {path} cannot be written: {error.strerror or error}. Nothing was "
        "changed there: check free space and permissions, then run the same command again."
    )
