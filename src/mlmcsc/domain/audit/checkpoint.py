"""Checkpoints: a signed note that says how long the audit trail is, and its Merkle root.

The signature is Ed25519 (RFC 8032) over the note's text, five lines that each end with LF:
`mlmcsc-checkpoint-1`, origin, tree size, root in hex, time.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from mlmcsc.errors import ValidationError

NOTE: Final = "mlmcsc-checkpoint-1"
LONGEST: Final = 4096
"""Characters of a checkpoint's JSON that are read; a real one has about 500."""

Verify = Callable[[bytes, bytes, bytes], bool]
"""Public key (32 bytes), signature (64) and message to whether it is genuine."""

_FIELDS: Final = {
    "origin": re.compile(r"mlmcsc/[0-9a-f]{32}"),
    "root_hash": re.compile(r"[0-9a-f]{64}"),
    "timestamp": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII),
    "key_id": re.compile(r"[0-9a-f]{16}"),
    "public_key": re.compile(r"[0-9a-f]{64}"),
    "signature": re.compile(r"[0-9a-f]{128}"),
}
_LARGEST: Final = 2**63


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One signed note.

    Attributes:
        origin: `mlmcsc/<database id>`.
        tree_size: Number of events it covers: those with `seq` below it.
        root_hash: Merkle root over their leaves, hex.
        timestamp: When it was signed, RFC 3339 in UTC with six decimals and `Z`.
        key_id: First 16 hex digits of SHA-256 over the public key.
        public_key: Ed25519, hex.
        signature: Over `text()`, hex.
    """

    origin: str
    tree_size: int
    root_hash: str
    timestamp: str
    key_id: str
    public_key: str
    signature: str

    def text(self) -> str:
        """What is signed."""
        return note_text(self.origin, self.tree_size, self.root_hash, self.timestamp)

    def is_genuine(self, verify: Verify, public_key: str | None = None) -> bool:
        """Whether the signature is by `public_key` (hex; left out, the note's own)."""
        key = self.public_key if public_key is None else public_key
        message = self.text().encode()
        return verify(bytes.fromhex(key), bytes.fromhex(self.signature), message)

    def to_dict(self) -> dict[str, Any]:
        """For the JSON file, in the documented order."""
        return {name: getattr(self, name) for name in self.__slots__}


def note_text(origin: str, tree_size: int, root_hash: str, timestamp: str) -> str:
    """The five lines that are signed."""
    return f"{NOTE}\n{origin}\n{tree_size}\n{root_hash}\n{timestamp}\n"


def key_id_of(public_key: bytes) -> str:
    """The short name of a public key."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a checkpoint's JSON; the signature is not checked here.

    Raises:
        ValidationError: If a field is missing, unknown, given twice or malformed, or the key id is
            not that of the public key.
    """
    if len(text) > LONGEST:
        _refuse(f"it has {len(text):,} characters, a real one at most {LONGEST:,}")
    try:
        found = json.loads(text, object_pairs_hook=_once_each)
    except (json.JSONDecodeError, RecursionError):
        _refuse("it is not JSON")
    if not isinstance(found, dict):
        _refuse("it is not a JSON object")
    names = set(Checkpoint.__slots__)
    if found.keys() != names:
        wrong = ", ".join(sorted(map(str, found.keys() ^ names)))
        _refuse(f"missing or unknown fields: {wrong[:200]}")
    for name, form in _FIELDS.items():
        if not isinstance(found[name], str) or not form.fullmatch(found[name]):
            _refuse(f"{name} is malformed")
    size = found["tree_size"]
    if not isinstance(size, int) or isinstance(size, bool) or not 0 < size < _LARGEST:
        _refuse("tree_size is no number of events")
    if key_id_of(bytes.fromhex(found["public_key"])) != found["key_id"]:
        _refuse("key_id is not that of public_key")
    return Checkpoint(**found)


def _once_each(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        _refuse("a field is given twice")
    return found


def _refuse(why: str) -> NoReturn:
    raise ValidationError(
        f"This is not a checkpoint: {why}. Give the JSON file that `audit checkpoint --output` "
        "wrote, unchanged."
    )
