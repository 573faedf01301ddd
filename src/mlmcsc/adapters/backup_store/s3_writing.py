"""Writing to a bucket: an answer is not believed, neither yes nor no; what lies there is read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mlmcsc.adapters.backup_store.disk import disk_errors
from mlmcsc.adapters.backup_store.s3_errors import bucket_errors, refused
from mlmcsc.adapters.backup_store.s3_reading import read_object
from mlmcsc.adapters.backup_store.store import Told
from mlmcsc.adapters.frozen_files.hashing import sha256_of
from mlmcsc.errors import IntegrityError, UnknownRecordError

if TYPE_CHECKING:
    from obstore import PutMode
    from obstore.store import S3Store as Bucket

PART: Final = 8 << 20
"""Bytes sent in one request, and of each part of what is larger."""
PARTS: Final = 9_000
"""S3 takes 10,000 of one file: parts of very large ones are larger."""
AT_ONCE: Final = 3
"""Parts on their way: so many are in memory."""
ATTEMPTS: Final = 3


def put_object(bucket: Bucket, place: str, key: str, source: Path, told: Told) -> None:
    """Send a file in parts; see `S3Store.put_file`."""
    import obstore  # noqa: PLC0415  slow, and an extra

    with disk_errors(source, "reading"):
        sha256, size = sha256_of(str(source))
    if size <= PART:
        with disk_errors(source, "reading"):
            content = source.read_bytes()
        put_whole(bucket, place, key, content)
        told(size)
        return
    part = max(PART, -(-size // PARTS))
    tell = _Once(told)

    def send() -> None:
        parts = _parts(source, part, tell)
        obstore.put(
            bucket, key, parts, use_multipart=True, chunk_size=part, max_concurrency=AT_ONCE
        )

    _send_checked(bucket, place, key, send, (sha256, size))


def put_whole(bucket: Bucket, place: str, key: str, content: bytes) -> None:
    """Send a small file in one request, over what is there."""
    import obstore  # noqa: PLC0415  slow, and an extra

    def send() -> None:
        obstore.put(bucket, key, content, use_multipart=False)

    _send_checked(bucket, place, key, send, _told_of(content))


def put_new(bucket: Bucket, place: str, key: str, content: bytes) -> bool:
    """Send a small file where there is none; False where there is another."""
    import obstore  # noqa: PLC0415  slow, and an extra
    from obstore.exceptions import AlreadyExistsError, PreconditionError  # noqa: PLC0415  as above

    mode: PutMode = "create"

    def send() -> None:
        nonlocal mode
        sent = obstore.put(bucket, key, content, use_multipart=False, mode=mode)
        mode = {"e_tag": sent["e_tag"]}  # ours, should it have to be sent again

    try:
        _send_checked(bucket, place, key, send, _told_of(content))
    except (AlreadyExistsError, PreconditionError):
        return False
    return True


def _send_checked(
    bucket: Bucket, place: str, key: str, send: Callable[[], None], wanted: tuple[str, int]
) -> None:
    """Send, and read back, until both agree.

    Raises:
        StoreError: It cannot be sent.
        IntegrityError: What lies there is another than what was sent, three times; it was removed.
        AlreadyExistsError: It was to be new, and another is there. Likewise `PreconditionError`.
    """
    import obstore  # noqa: PLC0415  slow, and an extra
    from obstore.exceptions import (  # noqa: PLC0415  as above
        AlreadyExistsError,
        BaseError,
        PreconditionError,
    )

    failure: Exception | None = None
    for _ in range(ATTEMPTS):
        failure = None
        try:
            send()
        except (BaseError, OSError, ValueError) as error:
            failure = error
        if _found(bucket, place, key) == wanted:  # also when the answer to it was lost
            return
        if isinstance(failure, (AlreadyExistsError, PreconditionError)):
            raise failure
    if failure is not None:
        raise refused(place, f"writing {key}", failure) from None
    with bucket_errors(place, f"removing {key}"):
        obstore.delete(bucket, [key])  # it would look whole to the next backup
    raise IntegrityError(
        f"{place}: what lies there as {key} is not what was sent, {ATTEMPTS} times. It was removed "
        "again. Something on the way changes bytes, or the file is being written: check both."
    )


def _found(bucket: Bucket, place: str, key: str) -> tuple[str, int] | None:
    digest, size = hashlib.sha256(usedforsecurity=False), 0
    try:
        for piece in read_object(bucket, place, key):
            digest.update(piece)
            size += len(piece)
    except UnknownRecordError:
        return None
    return digest.hexdigest(), size


def _told_of(content: bytes) -> tuple[str, int]:
    return hashlib.sha256(content, usedforsecurity=False).hexdigest(), len(content)


def _parts(source: Path, part: int, told: Callable[[int, int], None]) -> Iterator[bytes]:
    at = 0
    with source.open("rb") as file:
        while content := file.read(part):
            yield content
            at += len(content)
            told(at, len(content))


class _Once:
    """Tells of bytes the first time that they go."""

    def __init__(self, told: Told) -> None:
        self._told, self._most = told, 0

    def __call__(self, at: int, n_bytes: int) -> None:
        if at > self._most:
            self._most = at
            self._told(n_bytes)
