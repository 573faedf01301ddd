"""The place that a setting or an option names."""

from __future__ import annotations

from pathlib import Path

from mlmcsc.adapters.backup_store.local import LocalStore
from mlmcsc.adapters.backup_store.s3 import S3Store
from mlmcsc.adapters.backup_store.store import BackupStore
from mlmcsc.errors import ValidationError


def open_store(place: str | Path) -> BackupStore:
    """A place of backups: a folder, or `s3://bucket/prefix`. Nothing is read or made yet.

    Raises:
        ValidationError: Another scheme, or a URL that names no bucket or holds credentials.
        UnsupportedError: A bucket, and the package for it is not installed.
        StoreError: A bucket, and there are no credentials for it.
    """
    text = str(place)
    if isinstance(place, str) and "://" in place:
        if not place.startswith("s3://"):
            shown = place.partition("://")[0][:20]
            raise ValidationError(
                f"place={shown}://…: a place of backups is a folder, or s3://bucket/prefix."
            )
        return S3Store(place)
    if not text or "\0" in text:
        raise ValidationError(f"place={text!a}: name a folder, or s3://bucket/prefix.")
    return LocalStore(place)
