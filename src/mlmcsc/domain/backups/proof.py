"""The proof that lies beside a backup: it was restored and checked, then and so fast.

`proof.json` has one JSON object with sorted keys; `signature` is Ed25519 over `mlmcsc-proof-1`, a
line feed, and the compact JSON of the other members with sorted keys. A proof of a drill that did
not pass says so, in place of an earlier one that did.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Final

import orjson

from mlmcsc.domain.backups.signing import Sign, Verify, message, signed_document
from mlmcsc.domain.records import Record
from mlmcsc.errors import IntegrityError

FORMAT: Final = "mlmcsc-proof-1"
FILE: Final = "proof.json"
LARGEST: Final = 64 << 10
"""Bytes that a proof may have."""


@dataclass(frozen=True, slots=True)
class Proof(Record):
    """What a drill proved.

    Attributes:
        set_id: Which set.
        manifest_sha256: SHA-256 (hex) of its manifest.
        drilled_at: When the drill began, RFC 3339, UTC.
        passed: Whether the set could be restored whole.
        rto_seconds: Recovery time.
        rpo_seconds: Recovery point; None for the first backup.
        format: `FORMAT`.
    """

    set_id: str
    manifest_sha256: str
    drilled_at: str
    passed: bool
    rto_seconds: float
    rpo_seconds: float | None
    format: str = FORMAT

    def message(self) -> bytes:
        """What is signed."""
        return message(asdict(self))

    def signed(self, sign: Sign) -> bytes:
        """The file."""
        return signed_document(asdict(self), sign)


def read_proof(raw: bytes, name: str, public_key: bytes, verify: Verify) -> Proof:
    """The proof that lies beside the backup `name`.

    Raises:
        IntegrityError: It is none, or was not signed by `public_key`, or was changed since.
    """
    try:
        document = orjson.loads(raw)
        signature = document.pop("signature")
        if set(document) != {field.name for field in fields(Proof)}:
            raise ValueError("other members")  # noqa: TRY301  # told below with the others
        proof = Proof(**document)
        signed_by, signed = (bytes.fromhex(signature[k]) for k in ("public_key", "signature"))
        is_ours = proof.format == FORMAT and signed_by == public_key
        sound = is_ours and verify(signed_by, signed, proof.message())
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _no_proof(name, "cannot be read") from error
    if not sound:
        raise _no_proof(name, "was changed, or is not this database's")
    return proof


def _no_proof(name: str, what: str) -> IntegrityError:
    return IntegrityError(
        f"{name}/{FILE} {what}: it proves nothing. Drill the backup again: "
        f"`mlmcsc backup drill {name}`."
    )
