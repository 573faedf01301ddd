"""What a backup promises, signed with the audit key and never changed.

The signature is Ed25519 over `mlmcsc-backup-1`, a line feed, and the manifest's compact JSON with
sorted keys (UTF-8, no ASCII escaping), without the member `signature`. The manifest is written
last: without a whole one, a folder is no backup. The set's files are listed in `files.jsonl`, one
`StoredFile` a line by ascending name, which the manifest names with its SHA-256.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Literal

import orjson

from mlmcsc.domain.audit.checkpoint import key_id_of
from mlmcsc.domain.backups.names import checked_name
from mlmcsc.domain.backups.signing import (
    Sign,
    Verify,
    message,
    signature_member,
    signed_document,
)
from mlmcsc.domain.backups.stored import StoredFile, TableDigest
from mlmcsc.domain.records import Record
from mlmcsc.errors import IntegrityError, ValidationError

FORMAT: Final = "mlmcsc-backup-1"
FILE: Final = "manifest.json"
FILES: Final = "files.jsonl"
LARGEST: Final = 4 << 20
"""Bytes that a manifest may have; hostile ones are not read further."""

Kind = Literal["manual", "scheduled", "safety", "physical"]
Engine = Literal["sqlite", "postgresql"]


@dataclass(frozen=True, slots=True)
class LedgerPosition(Record):
    """How far the erasure ledger was when the snapshot was taken.

    Attributes:
        lines: Lines that it had.
        head: SHA-256 (hex) of the last; 64 zeros where there was none.
    """

    lines: int
    head: str


@dataclass(frozen=True, slots=True)
class Manifest(Record):
    """A backup's promise; times in RFC 3339, UTC.

    Attributes:
        set_id: 32 hex digits, of this set alone.
        name: What people call it.
        kind: Why it was made.
        database_id: What the database calls itself.
        engine: Which product.
        server_version: Product and version.
        schema_revision: Of the snapshot.
        release: The mlmcsc that made it.
        taken_at: Every write acknowledged before this moment is in it.
        finished_at: When its files were whole.
        with_images: Whether image files are in it.
        ledger: How far the erasure ledger was.
        tables: What each table held.
        index: The list of files.
        n_files: How many it lists.
        n_bytes: Bytes of the originals.
        stored_bytes: Bytes that the set refers to.
        new_bytes: Bytes that were written for it; the others were there.
        format: `FORMAT`.
    """

    set_id: str
    name: str
    kind: Kind
    database_id: str
    engine: Engine
    server_version: str
    schema_revision: str
    release: str
    taken_at: str
    finished_at: str
    with_images: bool
    ledger: LedgerPosition
    tables: Mapping[str, TableDigest]
    index: StoredFile
    n_files: int
    n_bytes: int
    stored_bytes: int
    new_bytes: int
    format: str = FORMAT

    def message(self) -> bytes:
        """What is signed."""
        return message(asdict(self))

    def signed(self, sign: Sign) -> bytes:
        """The manifest file, with its signature."""
        return signed_document(asdict(self), sign)


def read_manifest(raw: bytes, name: str, verify: Verify) -> tuple[Manifest, bytes]:
    """The manifest of the backup `name`, and the public key that signed it.

    Raises:
        IntegrityError: It is none, is another's, or was changed after it was signed.
    """
    try:
        if len(raw) > LARGEST:
            raise ValueError("too large")  # noqa: TRY301  # told below with the others
        document = orjson.loads(raw)
        signature = document.pop("signature")
        public_key, sealed = (bytes.fromhex(signature[k]) for k in ("public_key", "signature"))
        manifest = _parsed(document)
        is_signed = verify(public_key, sealed, manifest.message())
        # Hexadecimal may be written in two ways, and no signature covers the key id.
        is_signed &= signature == signature_member(key_id_of(public_key), public_key, sealed)
    except (ValueError, TypeError, KeyError, AttributeError, ValidationError) as error:
        raise _damaged(name, "its manifest cannot be read") from error
    if not is_signed:
        raise _damaged(name, "its manifest was changed after it was signed")
    if manifest.name != name:
        raise _damaged(name, f"its manifest is that of {manifest.name!r}")
    return manifest, public_key


def _parsed(document: dict[str, Any]) -> Manifest:
    wanted = {field.name for field in fields(Manifest)}
    if set(document) != wanted or document["format"] != FORMAT:
        raise ValueError("other members")
    checked_name(document["name"])
    tables = {str(t): TableDigest(**d) for t, d in document.pop("tables").items()}
    ledger = LedgerPosition(**document.pop("ledger"))
    index = StoredFile(**document.pop("index"))
    _refuse_odd(document | {"lines": ledger.lines, "head": ledger.head})
    return Manifest(**document, tables=tables, ledger=ledger, index=index)


def _refuse_odd(members: Mapping[str, Any]) -> None:
    """Anybody may have written it: what is no text, number or truth value is not looked into."""
    numbers = {"n_files", "n_bytes", "stored_bytes", "new_bytes", "lines"}
    for name, value in members.items():
        wanted = int if name in numbers else bool if name == "with_images" else str
        if type(value) is not wanted:
            raise ValueError(f"{name} is of another kind")


def _damaged(name: str, what: str) -> IntegrityError:
    return IntegrityError(
        f"The backup {name} is damaged: {what}. Nothing was changed; use another backup "
        "(`mlmcsc backup list`), and look at the disk with `mlmcsc backup scrub`."
    )
