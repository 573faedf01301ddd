"""Log lines: structlog is loaded and set up with the first of them.

Loading it takes longer than a short command does, and hardly any command has a line to log.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from threading import Lock
from typing import Any

_LOCK = Lock()
_waiting: list[Callable[[], None]] = []


def set_up_logs(configure: Callable[[], None], *, again: bool) -> None:
    """Set structlog up: now where it is loaded, else with the first log line.

    Args:
        configure: Calls `structlog.configure`.
        again: Whether an earlier choice, as of the program that we are part of, is overruled.
    """
    with _LOCK:
        if "structlog" not in sys.modules:
            if again or not _waiting:
                _waiting[:] = [configure]
            return
        _waiting.clear()
    import structlog  # noqa: PLC0415  # it is loaded

    if again or not structlog.is_configured():
        configure()


def logger(name: str) -> Any:
    """The structlog logger of a module."""
    import structlog  # noqa: PLC0415  # 60 ms, only when there is something to log

    with _LOCK:
        configure = _waiting.pop() if _waiting else None
    if configure is not None and not structlog.is_configured():
        configure()
    return structlog.get_logger(name)
