"""A manifest vouches for every bit of itself."""

from __future__ import annotations

import pytest

from mlmcsc.adapters.crypto import PycaCryptography
from mlmcsc.domain.audit.checkpoint import key_id_of
from mlmcsc.domain.backups.manifest import LedgerPosition, Manifest, read_manifest
from mlmcsc.domain.backups.stored import StoredFile
from mlmcsc.errors import IntegrityError

NOW = "2026-11-23T12:00:00+00:00"
SEED = b"s" * 32
INDEX = StoredFile("files.jsonl", "b1/files.jsonl", 1, "ab" * 32, 1, "cd" * 32, "plain")
MANIFEST = Manifest(
    *("5e7", "b1", "manual", "da7a", "sqlite", "3.50", "0004", "0.1", NOW, NOW),
    *(False, LedgerPosition(0, ""), {}, INDEX, 1, 1, 1, 1),
)


def test_no_bit_can_change_unseen():
    """Not even the case of a hexadecimal digit, or the name of the key."""
    crypto = PycaCryptography()
    public = crypto.public_key(SEED)
    raw = MANIFEST.signed(lambda m: (key_id_of(public), public, crypto.sign(SEED, m)))
    assert read_manifest(raw, "b1", crypto.verify) == (MANIFEST, public)
    for at in range(len(raw)):
        for bit in range(8):
            changed = bytearray(raw)
            changed[at] ^= 1 << bit
            with pytest.raises(IntegrityError):
                read_manifest(bytes(changed), "b1", crypto.verify)
