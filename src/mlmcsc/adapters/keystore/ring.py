"""The keys of one database with their states: every change makes a new ring."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from mlmcsc.domain.sealing import KEY_BYTES, MasterKey
from mlmcsc.errors import MissingKeyError

FORMAT = "mlmcsc-keys-1"
STATES = frozenset({"current", "pending", "retired"})


def master_key(key: bytes) -> MasterKey:
    """The key with the id that its bytes have."""
    return MasterKey(hashlib.sha256(key).hexdigest()[:16], key)


@dataclass(frozen=True, slots=True)
class Entry:
    """A key in a ring.

    Attributes:
        master: The key.
        state: `current` for exactly one key of the ring, `pending` before, `retired` after.
        created_at: RFC 3339, UTC.
    """

    master: MasterKey
    state: str
    created_at: str


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Keys by id, one of them current.

    Attributes:
        place: Where the ring is kept, for messages.
        entries: Keys by id, in the order they were made.
    """

    place: str
    entries: Mapping[str, Entry]

    @property
    def current(self) -> MasterKey:
        """The key that wraps new data keys."""
        return next(e.master for e in self.entries.values() if e.state == "current")

    def get(self, key_id: str) -> MasterKey:
        """The key of this id.

        Raises:
            MissingKeyError: It is not in the ring.
        """
        return self._entry(key_id).master

    def retired(self) -> tuple[str, ...]:
        """Ids of retired keys, oldest first."""
        return tuple(key_id for key_id, e in self.entries.items() if e.state == "retired")

    def pending(self) -> tuple[str, ...]:
        """Ids of pending keys, oldest first."""
        return tuple(key_id for key_id, e in self.entries.items() if e.state == "pending")

    def with_new_key(self) -> tuple[KeyRing, MasterKey]:
        """A ring with one more random key, and that key: current in an empty ring, else pending."""
        master = master_key(secrets.token_bytes(KEY_BYTES))
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        entry = Entry(master, "pending" if self.entries else "current", now)
        return self._with({**self.entries, master.key_id: entry}), master

    def promoted(self, key_id: str) -> KeyRing:
        """The ring with a pending key made current, and the one before retired.

        Raises:
            MissingKeyError: The key is not here, or is retired.
        """
        chosen = self._entry(key_id)
        if chosen.state == "retired":
            raise MissingKeyError(
                f"{self.place}: the key {key_id} is retired and cannot become current again. "
                "Make a new one with `mlmcsc privacy rotate-key`."
            )
        before = self.current.key_id
        changed = {before: replace(self.entries[before], state="retired")}
        return self._with({**self.entries, **changed, key_id: replace(chosen, state="current")})

    def without(self, key_id: str) -> KeyRing:
        """The ring without a retired key.

        Raises:
            MissingKeyError: The key is not here, or is not retired.
        """
        state = self._entry(key_id).state
        if state != "retired":
            raise MissingKeyError(
                f"{self.place}: the key {key_id} is {state}; only a retired key may be destroyed. "
                "Run `mlmcsc privacy rotate-key` first."
            )
        return self._with({k: entry for k, entry in self.entries.items() if k != key_id})

    def to_json(self) -> bytes:
        """The ring as its key file."""
        keys = {
            key_id: {
                "key": base64.b64encode(entry.master.key).decode(),
                "state": entry.state,
                "created_at": entry.created_at,
            }
            for key_id, entry in self.entries.items()
        }
        document = {"format": FORMAT, "current": self.current.key_id, "keys": keys}
        return f"{json.dumps(document, indent=2)}\n".encode()

    def _entry(self, key_id: str) -> Entry:
        try:
            return self.entries[key_id]
        except KeyError:
            raise MissingKeyError(
                f"{self.place} does not hold the key {key_id}, only "
                f"{', '.join(self.entries) or 'none'}. {COPY}"
            ) from None

    def _with(self, entries: Mapping[str, Entry]) -> KeyRing:
        return replace(self, entries=entries)


COPY = (
    "Copy the key file of this database from the machine that made the database, or set "
    "MLMCSC_KEY_FILE."
)
"""The repair of a key that is not here."""


def parse_ring(text: bytes, place: str) -> KeyRing:
    """Read and check a key file.

    Args:
        text: The file, whole.
        place: The file's path, for messages.

    Raises:
        MissingKeyError: The text is not a whole and consistent key file; tells none of it.
    """
    document = _document(text)
    if document is None:
        raise _damaged(place, "it is truncated, damaged or no key file: it is not valid JSON")
    match document:
        case {"format": str(name), **rest} if name == FORMAT:
            pass
        case _:
            raise _damaged(place, f'it is not ours: its "format" is not "{FORMAT}"')
    match rest:
        case {"current": str(current), "keys": dict(keys)} if len(rest) == len(("current", "keys")):
            entries = {key_id: _parse_entry(key_id, entry, place) for key_id, entry in keys.items()}
        case _:
            raise _damaged(place, 'it does not hold exactly "format", "current" and "keys"')
    if [key_id for key_id, e in entries.items() if e.state == "current"] != [current]:
        raise _damaged(place, 'not exactly the key named under "current" has the state "current"')
    return KeyRing(place, entries)


def _parse_entry(key_id: str, entry: Any, place: str) -> Entry:
    match entry:
        case {"key": str(text), "state": str(state), "created_at": str(at)} if state in STATES:
            key = _key_bytes(text)
        case _:
            raise _damaged(place, "one of its keys lacks key, state or created_at")
    if key is None:
        raise _damaged(place, f"one of its keys is not base64 of {KEY_BYTES} bytes")
    master = master_key(key)
    if master.key_id != key_id:
        raise _damaged(place, f"the key under {key_id[:40]!r} has another id by its bytes")
    return Entry(master, state, at)


def _key_bytes(text: str) -> bytes | None:
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return key if len(key) == KEY_BYTES else None


def _document(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # told by the caller: the error itself holds the text
        return None


def _damaged(place: str, what: str) -> MissingKeyError:
    return MissingKeyError(
        f"The key file {place} cannot be used: {what}. It was left as is. {COPY}"
    )
