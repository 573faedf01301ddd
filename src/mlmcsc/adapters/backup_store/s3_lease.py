"""The lease of a bucket: changed by conditional puts only (If-None-Match, If-Match)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mlmcsc.adapters.backup_store import lease
from mlmcsc.adapters.backup_store.s3_errors import bucket_errors, refused
from mlmcsc.adapters.backup_store.small import joined
from mlmcsc.errors import StoreError

if TYPE_CHECKING:
    from obstore import PutMode
    from obstore.store import S3Store as Bucket

ATTEMPTS: Final = 3


class BucketLease:
    """The lease file of a bucket; its tag is the bucket's own."""

    def __init__(self, bucket: Bucket, place: str) -> None:
        self._bucket, self._place = bucket, place

    def read(self) -> tuple[bytes, str] | None:
        """Content and tag."""
        import obstore  # noqa: PLC0415  slow, and an extra

        with bucket_errors(self._place, "reading the lease"):
            try:
                found = obstore.get(self._bucket, lease.FILE)
            except FileNotFoundError:
                return None
            content = joined(self._place, lease.FILE, found.stream(1 << 10), lease.LARGEST)
            return content, self._tag(found.meta["e_tag"])

    def write(self, content: bytes, tag: str | None) -> str | None:
        """Replace what has this tag; the new tag, or None."""
        import obstore  # noqa: PLC0415  slow, and an extra
        from obstore.exceptions import (  # noqa: PLC0415  as above
            AlreadyExistsError,
            BaseError,
            PreconditionError,
        )

        mode: PutMode = "create" if tag is None else {"e_tag": tag}
        failure: Exception = StoreError("never asked")
        for _ in range(ATTEMPTS):  # the client tries no conditional put again by itself
            try:
                put = obstore.put(self._bucket, lease.FILE, content, use_multipart=False, mode=mode)
            except (BaseError, OSError, ValueError) as error:
                failure = error
            else:
                return self._tag(put["e_tag"])
            found = self.read()  # it may have been done, and only the answer lost
            if found is not None and found[0] == content:
                return found[1]
            if isinstance(failure, (AlreadyExistsError, PreconditionError)):
                return None
        raise refused(self._place, "holding the place", failure) from None

    def _tag(self, tag: str | None) -> str:
        if tag is None:
            raise StoreError(
                f"{self._place}: the store gives its files no ETag, so it cannot be held by one "
                "machine alone. Use a store with conditional writes, or a folder."
            )
        return tag
