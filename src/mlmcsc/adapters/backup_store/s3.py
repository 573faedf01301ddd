"""A bucket as a place of backups: what was put is read back before it counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mlmcsc.adapters.backup_store import lease
from mlmcsc.adapters.backup_store.keys import checked_key, checked_prefix
from mlmcsc.adapters.backup_store.s3_access import parse_place, reach
from mlmcsc.adapters.backup_store.s3_errors import bucket_errors, reason
from mlmcsc.adapters.backup_store.s3_lease import BucketLease
from mlmcsc.adapters.backup_store.s3_reading import read_object
from mlmcsc.adapters.backup_store.s3_writing import put_new, put_object, put_whole
from mlmcsc.adapters.backup_store.small import joined
from mlmcsc.adapters.backup_store.store import Entry, Lease, Told
from mlmcsc.domain.backups.manifest import FILE as MANIFEST
from mlmcsc.domain.backups.names import RESERVED, checked_name
from mlmcsc.errors import ConflictError, StoreError

if TYPE_CHECKING:
    from obstore.store import S3Store as Bucket

MARK: Final = ".mlmcsc-set-"
"""Begins the name of an empty file in every set: without one, nothing is ever tidied away, for a
bucket may hold what is not ours."""
DELETED_AT_ONCE: Final = 1000
"""As many as S3 takes in one request."""


class S3Store:
    """See `store.BackupStore`. Sets have their names at once; the manifest makes them sets."""

    def __init__(self, place: str) -> None:
        bucket, prefix = parse_place(place)
        self.place = f"s3://{bucket}/{prefix}".rstrip("/")
        self._bucket: Bucket = reach(bucket, prefix)
        self._lease: Lease | None = None

    def put_file(
        self,
        key: str,
        source: Path,
        *,
        told: Told = lambda _: None,
        move: bool = False,  # noqa: ARG002  # the caller removes what it does not need
    ) -> None:
        """Bring a file in, whole or not at all; it is read back and compared.

        Raises:
            StoreError: The bucket refused, or cannot be reached.
            IntegrityError: What was read back is not what was sent, three times.
        """
        put_object(self._bucket, self.place, checked_key(key), source, told)

    def put_bytes(self, key: str, content: bytes, *, new: bool = False) -> bool:
        """Write a small file likewise; with `new` only where there is none: else False.

        Raises:
            ConflictError: It is to be new, the place was held, and is lost.
        """
        checked_key(key)
        if not new:
            put_whole(self._bucket, self.place, key, content)
            return True
        self._check_lease()
        return put_new(self._bucket, self.place, key, content)

    def read(self, key: str) -> Iterator[bytes]:
        """The bytes in pieces; what breaks off is taken up again.

        Raises:
            UnknownRecordError: There is no such file.
            StoreError: It cannot be read, or was replaced meanwhile.
        """
        return read_object(self._bucket, self.place, checked_key(key))

    def get(self, key: str, largest: int) -> bytes:
        """A small file whole.

        Raises:
            UnknownRecordError: There is no such file.
            IntegrityError: It has more than `largest` bytes.
        """
        return joined(self.place, key, self.read(key), largest)

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        """Every file below `prefix`, by key; marks are left out."""
        return (each for each in self._listed(prefix) if not _is_mark(each.key))

    def _listed(self, prefix: str) -> Iterator[Entry]:
        import obstore  # noqa: PLC0415  slow, and an extra

        with bucket_errors(self.place, "listing"):
            for batch in obstore.list(self._bucket, checked_prefix(prefix) or None):
                for each in batch:
                    yield Entry(each["path"], each["size"], each["last_modified"])

    def names(self) -> list[str]:
        """First segments of keys, sorted; a set without a manifest is none yet, or no more."""
        import obstore  # noqa: PLC0415  slow, and an extra

        with bucket_errors(self.place, "listing"):
            found = obstore.list_with_delimiter(self._bucket)["common_prefixes"]
        return sorted(each for each in found if not each.startswith("."))

    def size(self, key: str) -> int | None:
        """Bytes of a file; None where there is none."""
        import obstore  # noqa: PLC0415  slow, and an extra

        checked_key(key)
        with bucket_errors(self.place, f"looking at {key}"):
            try:
                return obstore.head(self._bucket, key)["size"]
            except FileNotFoundError as error:
                if reason(error) == "NoSuchBucket":
                    raise
                return None

    def remove(self, keys: Iterable[str]) -> None:
        """Delete files; those that are gone already are no error.

        Raises:
            ConflictError: The place was held, and is lost.
            StoreError: The bucket refused.
        """
        gone = [checked_key(key) for key in keys]
        self._delete(gone)
        for name in {key.partition("/")[0] for key in gone} - RESERVED:
            left = [each.key for each in self._listed(f"{name}/")]
            if all(_is_mark(key) for key in left):
                self._delete(left)

    def _delete(self, keys: list[str]) -> None:
        import obstore  # noqa: PLC0415  slow, and an extra

        for at in range(0, len(keys), DELETED_AT_ONCE):
            self._check_lease()
            with bucket_errors(self.place, "deleting"):
                obstore.delete(self._bucket, keys[at : at + DELETED_AT_ONCE])

    def free_bytes(self) -> int | None:
        """Nobody knows."""
        return None

    def tidy(self, before: datetime) -> int:
        """Delete the files of sets without a manifest, all written before a moment; how many."""
        sets: dict[str, list[Entry]] = {}
        for entry in self._listed(""):
            name, _, rest = entry.key.partition("/")
            if rest and name not in RESERVED:
                sets.setdefault(name, []).append(entry)
        dead = [entry.key for found in sets.values() if _dead(found, before) for entry in found]
        self.remove(dead)
        return sum(not _is_mark(key) for key in dead)

    def staged(self, name: str, set_id: str) -> str:
        """The name itself: nothing can be renamed here. A mark says that what is there is ours.

        Raises:
            ConflictError: There is a set of this name, be it in other letters' case.
        """
        wanted = checked_name(name).lower()  # a folder to which it is copied may not tell case
        for each in self.names():
            if each.lower() == wanted and self.size(f"{each}/{MANIFEST}") is not None:
                raise ConflictError(
                    f"{self.place} has a backup {each!r} already; it is never overwritten. Choose "
                    "another name, or leave it to mlmcsc."
                )
        put_whole(self._bucket, self.place, f"{name}/{MARK}{set_id}", b"")
        return name

    def publish(self, name: str, staged: str) -> None:
        """Make sure that it is a set: its manifest, put as a new file, made it one.

        Raises:
            StoreError: It has none.
        """
        if staged != name or self.size(f"{name}/{MANIFEST}") is None:
            raise StoreError(f"{self.place}: the set {name} has no {MANIFEST}: it is not whole.")

    @contextmanager
    def leased(self, purpose: str, holder: str) -> Iterator[Lease]:
        """Hold the place alone; see `lease`.

        Raises:
            ConflictError: Somebody else holds it.
        """
        file = BucketLease(self._bucket, self.place)
        with lease.held(self.place, file, purpose, holder, alone=False) as mine:
            self._lease = mine
            try:
                yield mine
            finally:
                self._lease = None

    def _check_lease(self) -> None:
        if self._lease is not None:
            self._lease.check()


def _is_mark(key: str) -> bool:
    return key.count("/") == 1 and key.partition("/")[2].startswith(MARK)


def _dead(found: list[Entry], before: datetime) -> bool:
    """Whether files under one name are what a killed run left, or nothing but marks."""
    if not any(_is_mark(each.key) for each in found):
        return False
    files = [each for each in found if not _is_mark(each.key)]
    return all(
        not each.key.endswith(f"/{MANIFEST}") and each.modified_at < before for each in files
    )
