"""How a small document is signed: over its format, a line feed, and its other members.

These are compact JSON with sorted keys in UTF-8; the signature is Ed25519 (RFC 8032).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

Sign = Callable[[bytes], tuple[str, bytes, bytes]]
"""Takes a message; key id, public key and signature."""
Verify = Callable[[bytes, bytes, bytes], bool]
"""Takes public key, signature and message."""


def message(members: Mapping[str, Any]) -> bytes:
    """What is signed of a document; one of its members is `format`."""
    return f"{members['format']}\n".encode() + orjson.dumps(members, option=orjson.OPT_SORT_KEYS)


def signed_document(members: Mapping[str, Any], sign: Sign) -> bytes:
    """The file: the members and `signature`, for people to read too."""
    document = dict(members) | {"signature": signature_member(*sign(message(members)))}
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2)


def signature_member(key_id: str, public_key: bytes, signature: bytes) -> dict[str, str]:
    """How a signature is written."""
    return {"key_id": key_id, "public_key": public_key.hex(), "signature": signature.hex()}
