"""How files are written into a backup, and what their keys tell of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mlmcsc.domain.backups.stored import Coding
from mlmcsc.domain.sealing import Cryptography, MasterKey

OBJECTS: Final = "objects"
_SHA256: Final = re.compile(r"objects/[0-9a-f]{2}/([0-9a-f]{64})(?:\.|$)", re.ASCII)
_ENDINGS: Final[Mapping[Coding, str]] = {
    "plain": "",
    "zstd": ".zst",
    "aes-256-gcm": ".enc",
    "zstd+aes-256-gcm": ".zst.enc",
}


@dataclass(frozen=True, slots=True)
class Coder:
    """How the files of a set are written.

    Attributes:
        crypto: For encryption.
        compress: Whether they are packed (Zstandard, RFC 8878).
        master: Key under which each file's own random key is wrapped; None: no encryption.
    """

    crypto: Cryptography
    compress: bool
    master: MasterKey | None

    @property
    def coding(self) -> Coding:
        """What `StoredFile.coding` says of them."""
        if self.master is None:
            return "zstd" if self.compress else "plain"
        return "zstd+aes-256-gcm" if self.compress else "aes-256-gcm"

    @property
    def key_id(self) -> str | None:
        """What `StoredFile.key_id` says of them."""
        return None if self.master is None else self.master.key_id


def ending(coding: Coding) -> str:
    """What is added to a file's name: nothing, `.zst`, `.enc`, or `.zst.enc`."""
    return _ENDINGS[coding]


def object_key(sha256: str, coding: Coding, key_id: str | None = None) -> str:
    """Where a content lies that sets share: `objects/ab/<sha256>[.<key id>]<ending>`.

    Args:
        sha256: SHA-256 (hex) of the original.
        coding: How it is written.
        key_id: Master key, when encrypted: after a rotation, contents are written anew.
    """
    key = "" if key_id is None else f".{key_id}"
    return f"{OBJECTS}/{sha256[:2]}/{sha256}{key}{ending(coding)}"


def belonging(name: str, key: str, set_id: str) -> tuple[str, str]:
    """What an encrypted file is bound to: its name and its set; or, where sets share it, that.

    What is shared has other names in other sets, and is bound to its own content's SHA-256.
    """
    found = _SHA256.match(key)
    return (name, set_id) if found is None else (OBJECTS, found[1])


def content_of(key: str) -> str | None:
    """SHA-256 (hex) that the original of a shared file has; None for a set's own."""
    found = _SHA256.match(key)
    return None if found is None else found[1]
