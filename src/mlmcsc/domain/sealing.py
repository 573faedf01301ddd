"""What the vault needs of cryptography and of the place that keeps the master key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

KEY_BYTES = 32
"""AES-256, and the seed of an Ed25519 key."""


@dataclass(frozen=True, slots=True)
class MasterKey:
    """A key that wraps people's data keys.

    Attributes:
        key_id: First 16 hex digits of SHA-256 over the key: names it without telling it.
        key: 32 bytes; never shown.
    """

    key_id: str
    key: bytes = field(repr=False)


class ChunkCipher(Protocol):
    """AES-256-GCM under one key that seals the chunks of one file and nothing else."""

    def seal(self, number: int, plain: bytes, associated: bytes) -> bytes:
        """Ciphertext and 16-byte tag; no number may be used twice for different bytes."""
        ...

    def open(self, number: int, sealed: bytes, associated: bytes) -> bytes:
        """The plain bytes.

        Raises:
            IntegrityError: Changed bytes, another key, number, or place.
        """
        ...


class Cryptography(Protocol):
    """AES-256-GCM (NIST SP 800-38D) and Ed25519 (RFC 8032)."""

    def encrypt(self, key: bytes, plain: bytes, associated: bytes) -> bytes:
        """Random 12-byte nonce, ciphertext and 16-byte tag, in this order."""
        ...

    def decrypt(self, key: bytes, sealed: bytes, associated: bytes) -> bytes:
        """The plain bytes.

        Raises:
            IntegrityError: Wrong key, changed bytes, or sealed for another place.
        """
        ...

    def chunks(self, key: bytes) -> ChunkCipher:
        """A cipher for one file's chunks under a key that is that file's alone."""
        ...

    def public_key(self, seed: bytes) -> bytes:
        """The 32-byte public key of an Ed25519 seed."""
        ...

    def sign(self, seed: bytes, message: bytes) -> bytes:
        """The 64-byte signature."""
        ...

    def verify(self, public_key: bytes, signature: bytes, message: bytes) -> bool:
        """Whether the signature is of this message by this key; false also for malformed bytes."""
        ...


class KeyStore(Protocol):
    """Where master keys are kept: outside the database and its backups."""

    place: str
    """The file or variable, for messages."""
    writable: bool
    """Whether keys can be made and destroyed here; not in variables."""

    def current(self) -> MasterKey:
        """The key that wraps new data keys.

        Raises:
            MissingKeyError: There is none, or the place cannot be read.
        """
        ...

    def get(self, key_id: str) -> MasterKey:
        """The key of this id, current or retired.

        Raises:
            MissingKeyError: It is not here.
        """
        ...

    def create(self) -> MasterKey:
        """A new random key, durably stored; the first becomes current, a later one is pending.

        Raises:
            MissingKeyError: The place cannot be written, or is a variable, which cannot be.
        """
        ...

    def promote(self, key_id: str) -> None:
        """Make a pending key the current one; the one before it is retired, not removed."""
        ...

    def pending(self) -> tuple[str, ...]:
        """Ids of keys that were created and not yet promoted, oldest first."""
        ...

    def retired(self) -> tuple[str, ...]:
        """Ids of keys that wrap nothing any more in the live database."""
        ...

    def destroy(self, key_id: str) -> None:
        """Remove a retired key for good."""
        ...
