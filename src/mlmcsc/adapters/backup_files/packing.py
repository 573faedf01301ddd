"""Frames of Zstandard (RFC 8878), each independent; and work on chunks by two threads."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import IO, TYPE_CHECKING, Final, TypeVar, cast

from mlmcsc.errors import IntegrityError

if TYPE_CHECKING:
    from zstandard import ZstdCompressor

CHUNK: Final = 1 << 20
"""Bytes of the original in a frame, or in a sealed chunk; the last has fewer.

Larger ones leave the processor's cache between being read, packed, sealed, hashed and written.
"""
LARGEST: Final = CHUNK + (CHUNK >> 8) + 1024
"""Bytes that a frame of that many can have, with its tag: ZSTD_compressBound, and some."""
WINDOW: Final = 8 << 20
"""Bytes that reading a frame may take: no frame of ours needs more, a hostile one might."""
GOOD: Final = 1
FAST: Final = -10
"""Levels: vectors of floats pack by a tenth or two, at any level; the fast one loses little."""
SAMPLE: Final = 64 << 10
WORTH: Final = 0.85
"""Packed to original, for a sample of a frame, above which the good level is not worth its time."""
THREADS: Final = 2
AHEAD: Final = 3
"""Chunks that wait for a thread: memory stays flat."""

_packers = threading.local()
T = TypeVar("T")
Item = TypeVar("Item")


def pack(chunk: bytes) -> bytes:
    """One frame."""
    middle = memoryview(chunk)[len(chunk) // 2 :][:SAMPLE]
    sampled = _packer(FAST).compress(middle) if len(middle) == SAMPLE else b""
    return _packer(FAST if len(sampled) > WORTH * SAMPLE else GOOD).compress(chunk)


def _packer(level: int) -> ZstdCompressor:
    """The thread's own: to make one takes as long as to pack a chunk."""
    import zstandard  # noqa: PLC0415  10 ms, only for packed backups

    packer: ZstdCompressor | None = getattr(_packers, str(level), None)
    if packer is None:
        packer = zstandard.ZstdCompressor(level=level)
        setattr(_packers, str(level), packer)
    return packer


def unpack(frame: bytes) -> bytes:
    """The chunk of one frame.

    Raises:
        IntegrityError: It is no frame of ours.
    """
    import zstandard  # noqa: PLC0415  10 ms, only for packed backups

    try:
        if not 0 <= zstandard.frame_content_size(frame) <= CHUNK:
            raise IntegrityError("a packed chunk does not say its size, or has too large a one")
        unpacker = zstandard.ZstdDecompressor(max_window_size=WINDOW)
        return unpacker.decompress(frame, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise IntegrityError(f"a packed chunk cannot be unpacked ({error})") from None


def unpacked(read: Callable[[int], bytes], piece: int) -> Iterator[bytes]:
    """The bytes of frames one after another.

    Args:
        read: Gives at most so many next bytes, none at the end.
        piece: Bytes given at a time; a frame may swell as it likes.

    Raises:
        IntegrityError: They are no frames.
    """
    import zstandard  # noqa: PLC0415  10 ms, only for packed backups

    source = cast("IO[bytes]", _Source(read))  # of a file, only `read` is asked for
    unpacker = zstandard.ZstdDecompressor(max_window_size=WINDOW)
    with unpacker.stream_reader(source, read_across_frames=True) as reader:
        try:
            while found := reader.read(piece):
                yield found
        except zstandard.ZstdError as error:
            raise IntegrityError(f"it cannot be unpacked ({error})") from None


class _Source:
    """What `stream_reader` reads from."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self.read = read


def mapped(
    work: Callable[[Item], T], items: Iterable[Item], threads: int = THREADS
) -> Generator[T, None, None]:
    """`work` of each, in order, by other threads; one item alone starts none."""
    from concurrent.futures import Future, ThreadPoolExecutor  # noqa: PLC0415  with its pool

    each = iter(items)
    first = next(each, None)
    if first is None:
        return
    second = next(each, None)
    if second is None:
        yield work(first)
        return
    with ThreadPoolExecutor(threads, "mlmcsc-backup") as pool:
        waiting: deque[Future[T]] = deque((pool.submit(work, first), pool.submit(work, second)))
        for item in each:
            waiting.append(pool.submit(work, item))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
