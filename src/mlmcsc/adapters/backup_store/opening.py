"""The place that a setting or an option names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from mlmcsc.adapters.backup_store.local import LocalStore
from mlmcsc.adapters.backup_store.s3 import S3Store
from mlmcsc.adapters.backup_store.store import BackupStore
from mlmcsc.errors import ValidationError

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")
"""Of a URL; one letter is a drive of Windows."""


def open_store(place: str | Path) -> BackupStore:
    """A place of backups: a folder, or `s3://bucket/prefix`. Nothing is read or made yet.

    Raises:
        ValidationError: Another scheme, or a URL that names no bucket or holds credentials.
        UnsupportedError: A bucket, and the package for it is not installed.
        StoreError: A bucket, and there are no credentials for it.
    """
    text = str(place)
    if isinstance(place, str) and place.startswith("s3://"):
        return S3Store(place)
    if found := _SCHEME.match(text):  # also s3:/ with one slash, which a `Path` makes of two
        raise ValidationError(
            f"place={found[1][:20]}:…: a place of backups is a folder, or s3://bucket/prefix. A "
            "folder of such a name is written as ./NAME."
        )
    if not text or "\0" in text:
        raise ValidationError(f"place={text!a}: name a folder, or s3://bucket/prefix.")
    if text.startswith("~"):
        raise ValidationError(
            f"place={text!a}: '~' is the shell's; write the folder's whole path, or ./~ if it is "
            "really called so."
        )
    return LocalStore(place)
