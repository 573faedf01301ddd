"""Certificates of erasure as files that only their owner may read."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Final

import orjson

from mlmcsc.adapters.keystore.private_file import remove_drafts, write_private
from mlmcsc.adapters.precious_files import refuse_managed
from mlmcsc.errors import ValidationError

FORMAT: Final = "mlmcsc-erasure-certificate-1"


def check_place(path: Path, subject_id: str | None) -> None:
    """Refuse a place where no certificate can be written, before anything is erased.

    Args:
        path: The file; an earlier certificate of the same person may be there.
        subject_id: The person's random id, where there is one yet.

    Raises:
        ValidationError: Its folder is missing or read-only, or something else is there.
    """
    refuse_managed(path)
    if path.exists() and not _is_of(path, subject_id):
        raise ValidationError(f"{path} exists already. Name another file for the certificate.")
    try:
        # Tried, as some folders, such as /proc, only seem to be ones that one can write to.
        with tempfile.TemporaryFile(dir=path.parent, prefix=".certificate-"):
            pass
    except OSError as error:
        raise ValidationError(
            f"{path.parent} is no folder that one can write to. Name another."
        ) from error


def _is_of(path: Path, subject_id: str | None) -> bool:
    try:
        found = orjson.loads(path.read_bytes())
        # A ledger of one line names a subject too.
        return bool(found["subject_id"] == subject_id and found["format"] == FORMAT)
    except (OSError, ValueError, TypeError, KeyError):
        return False


def write_certificate(path: Path, certificate: Any) -> None:
    """Write it whole or not at all, with mode 0600.

    Raises:
        ValidationError: It cannot be written; it is kept in the database.
    """
    text = orjson.dumps(certificate, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
    try:
        remove_drafts(path)  # of a run that was killed here
        write_private(path, text + b"\n", is_new=not path.exists())
    except OSError as error:
        raise ValidationError(
            f"{path}: the certificate cannot be written: {error.strerror or error}. The erasure is "
            "done and the certificate is kept in the database: run the same command with the "
            "subject id and another --certificate to have it written."
        ) from error
