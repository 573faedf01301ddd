"""How far it is, in bytes; told from many threads."""

from __future__ import annotations

import threading

from mlmcsc.domain.progress import Progress


class Meter:
    """Counts bytes and tells them on.

    Args:
        progress: Told what is being done, bytes done and bytes in all.
        doing: What is being done.
        total: Bytes in all, as far as anybody knows.
    """

    def __init__(self, progress: Progress, doing: str, total: int) -> None:
        self._progress = progress
        self._doing = doing
        self._done = 0
        self._total = total
        self._lock = threading.Lock()

    def expect(self, n_bytes: int) -> None:
        """So many bytes are yet to come."""
        with self._lock:
            self._total += n_bytes

    def more(self, n_bytes: int) -> None:
        """So many bytes are done."""
        with self._lock:
            self._done += n_bytes
            self._progress(self._doing, self._done, max(self._total, self._done))
