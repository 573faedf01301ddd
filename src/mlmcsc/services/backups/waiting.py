"""Waiting for whoever holds a place of backups: scheduled ones often begin at the same moment."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from mlmcsc.adapters.backup_store.store import BackupStore, Lease
from mlmcsc.domain.permissions import Actor
from mlmcsc.errors import ConflictError

WAIT_SECONDS: Final = 600.0
BETWEEN_SECONDS: Final = 0.25


@contextmanager
def held(store: BackupStore, purpose: str, actor: Actor) -> Iterator[Lease]:
    """The place, held alone among those who add to it or remove from it.

    Raises:
        ConflictError: Somebody else holds it, for longer than we wait.
    """
    holder = f"{actor.subject} on {socket.gethostname()}, process {os.getpid()}"
    with ExitStack() as stack:
        yield _entered(stack, store, purpose, holder)


def _entered(stack: ExitStack, store: BackupStore, purpose: str, holder: str) -> Lease:
    end = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return stack.enter_context(store.leased(purpose, holder))
        except ConflictError:
            if time.monotonic() > end:
                raise
            time.sleep(BETWEEN_SECONDS)
