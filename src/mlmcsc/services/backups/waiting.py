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
from mlmcsc.domain.progress import Progress, quiet
from mlmcsc.errors import ConflictError

WAIT_SECONDS: Final = 600.0
BETWEEN_SECONDS: Final = 0.25
TOLD_AFTER_SECONDS: Final = 1.0


@contextmanager
def held(
    store: BackupStore, purpose: str, actor: Actor, progress: Progress = quiet
) -> Iterator[Lease]:
    """The place, held alone among those who add to it or remove from it.

    Args:
        store: The place.
        purpose: What for.
        actor: In whose name.
        progress: Told who is waited for, where that takes longer than a moment.

    Raises:
        ConflictError: Somebody else holds it, for longer than we wait.
    """
    holder = f"{actor.subject} on {socket.gethostname()}, process {os.getpid()}"
    with ExitStack() as stack:
        yield _entered(stack, store, purpose, holder, progress)


def _entered(
    stack: ExitStack, store: BackupStore, purpose: str, holder: str, progress: Progress
) -> Lease:
    begun, told = time.monotonic(), ""
    while True:
        try:
            return stack.enter_context(store.leased(purpose, holder))
        except ConflictError as error:
            waited = time.monotonic() - begun
            if waited > WAIT_SECONDS:
                raise
            whom = str(error).partition(". Wait")[0].partition(", and until")[0]
            if waited > TOLD_AFTER_SECONDS and whom != told:
                told = whom
                progress(f"waiting: {whom}", 0, 0)
            time.sleep(BETWEEN_SECONDS)
