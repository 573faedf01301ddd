"""Reading from a bucket: what breaks off is taken up again where it broke off."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from mlmcsc.adapters.backup_store.copying import PIECE
from mlmcsc.adapters.backup_store.s3_errors import reason, refused
from mlmcsc.errors import IntegrityError, StoreError, UnknownRecordError

if TYPE_CHECKING:
    from obstore import GetOptions
    from obstore.store import S3Store as Bucket

PAUSE: Final = 0.1
"""Seconds before the second attempt; each further one waits twice as long."""
ATTEMPTS: Final = 4
"""In a row that bring nothing, on top of the client's own for each request."""


def read_object(bucket: Bucket, place: str, key: str) -> Iterator[bytes]:
    """The bytes in pieces, all of one version of the file.

    Raises:
        UnknownRecordError: There is no such file.
        StoreError: It cannot be read, or was replaced meanwhile.
    """
    import obstore  # noqa: PLC0415  slow, and an extra
    from obstore.exceptions import BaseError, PreconditionError  # noqa: PLC0415  as above

    at, size, tag, failed = 0, None, None, 0
    while size is None or at < size:
        options: GetOptions = {"range": {"offset": at}, "if_match": tag} if at else {}
        try:
            found = obstore.get(bucket, key, options=options)
            size, tag = found.meta["size"], found.meta["e_tag"]
            for piece in found.stream(PIECE):
                at += len(piece)
                failed = 0
                yield piece
            if at < size:
                raise OSError("it ended early")  # noqa: TRY301  # as when the client notices it
        except PreconditionError:
            raise StoreError(
                f"{place}: {key} was replaced while it was read. Try again when nobody writes."
            ) from None
        except (BaseError, OSError, ValueError) as error:
            failed += 1
            if isinstance(error, FileNotFoundError):
                raise _missing(place, key, error) from None
            if failed == ATTEMPTS:
                raise refused(place, f"reading {key}", error) from None
            time.sleep(PAUSE * 2 ** (failed - 1))
    if at > size:
        raise IntegrityError(f"{place}: {key} gave {at} bytes, and has {size}. Try again.")


def _missing(place: str, key: str, error: Exception) -> Exception:
    if reason(error) == "NoSuchBucket":
        return refused(place, f"reading {key}", error)
    return UnknownRecordError(
        f"{place} has no file {key}. See `mlmcsc backup list` for what is there."
    )
