"""The rows of `settings` that hold the signing key, read with mistrust: anybody may change them."""

from __future__ import annotations

import base64
import re
from typing import Any, Final

import sqlalchemy as sa

from mlmcsc.errors import IntegrityError
from mlmcsc.store.models import settings
from mlmcsc.store.views import View

SIGNING_KEY: Final = "audit_signing_key"
PUBLIC_KEY: Final = "audit_public_key"


def setting(view: View, key: str) -> Any:
    """A row's value; None where there is no row.

    Raises:
        IntegrityError: It is no JSON.
    """
    try:
        return view.conn.scalar(sa.select(settings.c.value).where(settings.c.key == key))
    except ValueError as error:
        raise _damaged(key) from error


def public_key(view: View) -> bytes:
    """The Ed25519 public key, 32 bytes.

    Raises:
        IntegrityError: Its row is missing or damaged.
    """
    stored = setting(view, PUBLIC_KEY)
    if not isinstance(stored, str) or not re.fullmatch("[0-9a-f]{64}", stored):
        raise _damaged(PUBLIC_KEY)
    return bytes.fromhex(stored)


def signing_key(view: View) -> tuple[str, bytes]:
    """Id of the master key that wraps the signing seed, and the wrapped seed.

    Raises:
        IntegrityError: The row is missing or damaged.
    """
    match setting(view, SIGNING_KEY):
        case {"key_id": str(wrapped_by), "wrapped": str(text)}:
            try:
                return wrapped_by, base64.b64decode(text, validate=True)
            except ValueError as error:
                raise _damaged(SIGNING_KEY) from error
    raise _damaged(SIGNING_KEY)


def _damaged(key: str) -> IntegrityError:
    return IntegrityError(
        f"The row {key!r} of the table `settings` is missing or damaged: it was changed past "
        "mlmcsc. Nothing was done; look with `audit verify`, and restore a backup."
    )
