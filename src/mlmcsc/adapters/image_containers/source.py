"""Random access to a file's bytes, with errors that name the file."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from mlmcsc.errors import ImageFileError, ImageMissingError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

IN_MEMORY_LIMIT = 64 * 1024 * 1024
"""Files up to this size are read once; larger ones are read piece by piece."""

WINDOW = 4 * 1024 * 1024
SEND_AGAIN = "Copy the file again from the instrument, or leave it out"


class ByteSource:
    """The bytes of one file (or of a block inside it).

    Attributes:
        path: Names the file in messages.
        size: Number of bytes.
        data: All bytes, or None when the file is large.
    """

    __slots__ = ("_descriptor", "data", "path", "size")

    def __init__(
        self, path: str, data: bytes | None, *, descriptor: int = -1, size: int | None = None
    ) -> None:
        self.path = path
        self.data = data
        self.size = len(data) if data is not None else size or 0
        self._descriptor = descriptor

    def at(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`.

        Raises:
            ImageFileError: When they are not all inside the file.
        """
        self.require(offset, length)
        if self.data is not None:
            return self.data[offset : offset + length]
        piece = os.pread(self._descriptor, length, offset)
        while len(piece) < length:  # pread may stop early, at 2 GiB at the latest
            more = os.pread(self._descriptor, length - len(piece), offset + len(piece))
            if not more:
                raise self.changed()
            piece += more
        return piece

    def view(self, offset: int, length: int) -> memoryview:
        """The same bytes, uncopied where the file is in memory; for looking at only."""
        if self.data is None:
            return memoryview(self.at(offset, length))
        self.require(offset, length)
        return memoryview(self.data)[offset : offset + length]

    def require(self, offset: int, length: int) -> None:
        """Check that `length` bytes from `offset` are inside the file."""
        if offset < 0 or length < 0 or offset + length > self.size:
            raise self.fault(
                f"the file is cut off: it ends at byte {self.size}, "
                f"but bytes {offset} to {offset + length} belong to it"
            )

    def windows(self, start: int, end: int) -> Iterator[bytes]:
        """Consecutive pieces of at most 4 MiB from `start` to `end`."""
        for offset in range(start, end, WINDOW):
            yield self.at(offset, min(WINDOW, end - offset))

    def sha256(self) -> str:
        """SHA-256 over all bytes, hexadecimal (FIPS 180-4)."""
        if self.data is not None:
            return hashlib.sha256(self.data, usedforsecurity=False).hexdigest()
        digest = hashlib.sha256(usedforsecurity=False)
        for window in self.windows(0, self.size):
            digest.update(window)
        return digest.hexdigest()

    def stream(self) -> BinaryIO:
        """A new readable, seekable file object over the bytes; the caller closes it."""
        if self.data is not None:
            return io.BytesIO(self.data)
        return io.BufferedReader(_Stream(self))

    def fault(self, found: str, repair: str = SEND_AGAIN) -> ImageFileError:
        """The error that says what was found in this file and what to do about it."""
        return ImageFileError(f"{self.path}: {found}. {repair}.")

    def changed(self) -> ImageFileError:
        """The error for a file that is still being written."""
        return self.fault(
            "the file changed while it was being read",
            "Try again when the instrument has finished writing it",
        )


class _Stream(io.RawIOBase):
    """A file object over a large source, for decoders: a position of its own, no second opening."""

    def __init__(self, source: ByteSource) -> None:
        super().__init__()
        self._source = source
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._source.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        length = min(len(view), max(0, self._source.size - self._position))
        view[:length] = self._source.at(self._position, length)
        self._position += length
        return length


@contextmanager
def open_source(path: str) -> Iterator[tuple[ByteSource, os.stat_result]]:
    """Open a regular, non-empty file for reading.

    Raises:
        ImageMissingError: When there is no such file.
        ImageFileError: When it is not a regular file, is empty, cannot be read, or changes
            while it is being read.
    """
    descriptor = _open(path)
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise _no_file(path, before.st_mode)
        source = ByteSource(path, None, descriptor=descriptor, size=before.st_size)
        if before.st_size == 0:
            raise source.fault("the file is empty")
        if before.st_size <= IN_MEMORY_LIMIT:
            source = ByteSource(path, source.at(0, before.st_size))
        yield source, before
        after = os.fstat(descriptor)
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            raise source.changed()
    except OSError as error:
        if isinstance(error, ImageFileError):
            raise
        raise ImageFileError(
            f"{path}: reading failed: {error.strerror or error}. Check the disk or network share."
        ) from error
    finally:
        os.close(descriptor)


def _open(path: str) -> int:
    """Open for reading, refusing what is not a regular file before touching it."""
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISREG(mode):
            # Not to wait, should a pipe take the file's place just now; `open_source` looks again.
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise ImageMissingError(
            f"{path}: there is no such file. Check the path, or whether its disk is mounted."
        ) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ImageFileError(
            f"{path!r}: cannot be opened: {reason}. Check the path and the access rights."
        ) from error
    raise _no_file(path, mode)


def _no_file(path: str, mode: int) -> ImageFileError:
    kind = "a directory" if stat.S_ISDIR(mode) else "not a regular file"
    return ImageFileError(f"{path}: this is {kind}. Name an image file.")
