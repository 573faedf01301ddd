"""Authenticated encryption and signatures, by the `cryptography` package."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from mlmcsc.errors import IntegrityError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
"""NIST SP 800-38D §8.2.2; random, which is safe for 2^32 messages under one key."""


class PycaChunkCipher:
    """See `domain.sealing.ChunkCipher`; threads may use it at the same time.

    The nonce is the chunk's number, 12 bytes, big-endian: a deterministic construction (NIST SP
    800-38D §8.2.1), safe because the key is random and belongs to one file.
    """

    def __init__(self, cipher: AESGCM) -> None:
        self._cipher = cipher

    def seal(self, number: int, plain: bytes, associated: bytes) -> bytes:
        """Ciphertext and 16-byte tag."""
        return self._cipher.encrypt(number.to_bytes(NONCE_BYTES, "big"), plain, associated)

    def open(self, number: int, sealed: bytes, associated: bytes) -> bytes:
        """The plain bytes.

        Raises:
            IntegrityError: Changed bytes, another key, number, or place.
        """
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415  slow

        try:
            return self._cipher.decrypt(number.to_bytes(NONCE_BYTES, "big"), sealed, associated)
        except (InvalidTag, ValueError):  # ValueError: fewer bytes than a tag
            raise IntegrityError(
                f"Chunk {number} of {len(sealed)} sealed bytes cannot be opened: it was changed, "
                "stands in another place than it was sealed for, or was sealed under another key. "
                "Nothing was changed. Use another copy of the file."
            ) from None


class PycaCryptography:
    """AES-256-GCM (NIST SP 800-38D) and Ed25519 (RFC 8032); see `domain.sealing.Cryptography`.

    The package is imported by the first call: a database that holds no sealed text never needs it.
    """

    def encrypt(self, key: bytes, plain: bytes, associated: bytes) -> bytes:
        """Random 12-byte nonce, ciphertext and 16-byte tag, in this order.

        Args:
            key: 32 bytes.
            plain: What to hide, of any length.
            associated: Bound to the result but not in it: `decrypt` must be given the same.
        """
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415  slow

        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(key).encrypt(nonce, plain, associated)

    def decrypt(self, key: bytes, sealed: bytes, associated: bytes) -> bytes:
        """The plain bytes.

        Args:
            key: The 32 bytes that `encrypt` was given.
            sealed: What `encrypt` returned.
            associated: What `encrypt` was given.

        Raises:
            IntegrityError: Wrong key, changed bytes, or sealed for another place.
        """
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415  slow
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415  slow

        try:
            return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], associated)
        except (InvalidTag, ValueError):  # ValueError: a key or nonce of no possible length
            raise IntegrityError(
                f"{len(sealed)} sealed bytes cannot be opened: they were changed, stand in another "
                "place than they were sealed for, or were sealed under another key. Nothing was "
                "changed. Restore them from a backup, or give the key of this database."
            ) from None

    def chunks(self, key: bytes) -> PycaChunkCipher:
        """A cipher for the chunks of one file, under a 32-byte key that is that file's alone."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415  slow

        return PycaChunkCipher(AESGCM(key))

    def public_key(self, seed: bytes) -> bytes:
        """The 32-byte public key of a 32-byte Ed25519 seed."""
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415  slow

        return ed25519.Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()

    def sign(self, seed: bytes, message: bytes) -> bytes:
        """The 64-byte signature of a message under a 32-byte seed; the same every time."""
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415  slow

        return ed25519.Ed25519PrivateKey.from_private_bytes(seed).sign(message)

    def verify(self, public_key: bytes, signature: bytes, message: bytes) -> bool:
        """Whether the signature is of this message by this key; false also for malformed bytes."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  slow
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415  slow

        try:
            ed25519.Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True
