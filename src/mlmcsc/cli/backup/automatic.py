"""`mlmcsc backup auto`: make the backup that is due, once or again and again."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from mlmcsc.cli.backup.proving import tell_drill
from mlmcsc.cli.command import Command
from mlmcsc.cli.exits import FINDING, OK, spelt_for_the_shell
from mlmcsc.cli.output import note, print_json, say, size
from mlmcsc.cli.progress import progress
from mlmcsc.cli.session import Session
from mlmcsc.errors import MlmcscError

if TYPE_CHECKING:
    from mlmcsc.manager import DatabaseManager
    from mlmcsc.services.backup_drills import MadeDue

AGAIN = 60.0
"""Seconds until a watch looks again after an error."""
LONGEST = 900.0
"""Seconds until it looks at the clock again: that may be set, or the computer have slept."""


@click.command(
    "auto",
    cls=Command,
    example="""
        backup auto
        backup auto --dry-run
        backup auto --watch
    """,
)
@click.option("--dry-run", is_flag=True, help="Say whether one is due; make none.")
@click.option("--watch", is_flag=True, help="Stay, and make each when it is due; until stopped.")
@click.pass_obj
def auto(session: Session, *, dry_run: bool, watch: bool) -> int:
    """Make the backup that is due by `backup.schedule`, drill it, and prune.

    It heeds the settings `backup.*`: where it goes (`remote`, else `directory`), `with_images`,
    `encrypt`, `drill`. Slots that were missed make one backup. Any number may run at once; they
    make one. A failure is told, kept, and tried again after 10 minutes, then 20, 40, and so on; a
    backup that was made, but not drilled since, is drilled first.

    Exit 0 if one was made or none was due, so that cron is quiet; 1 if its drill did not pass.
    """
    if dry_run and watch:
        raise click.UsageError("Give --dry-run or --watch, not both.")
    with session.open() as db:
        if watch:
            _watch(session, db)
            return OK
        with progress() as told:
            done = db.backup_drills.create_due(dry_run=dry_run, progress=told)
    _tell(session, done, even_if_idle=True)
    return OK if done.passed else FINDING


def _watch(session: Session, db: DatabaseManager) -> None:
    """Make each backup when it is due, until SIGINT or SIGTERM; one at work is broken off."""
    stopped = threading.Event()
    try:
        with _sigterm_as_interrupt(), progress() as told:
            while True:
                try:
                    done = db.backup_drills.create_due(progress=told)
                except (MlmcscError, OSError) as error:
                    note(f"Error: {spelt_for_the_shell(str(error))}")
                    stopped.wait(AGAIN)
                    continue
                _tell(session, done, even_if_idle=False)
                if done.due.next_at is None:
                    raise click.UsageError(f"Nothing to watch for: {done.due.reason}.")
                left = (done.due.next_at - datetime.now(UTC)).total_seconds()
                stopped.wait(min(max(left, 1.0), LONGEST))
    except KeyboardInterrupt:
        note("stopped watching")


@contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    """What a service manager sends ends the watch as Ctrl-C does."""

    def interrupt(_number: int, _frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _tell(session: Session, done: MadeDue, *, even_if_idle: bool) -> None:
    if done.made is None and done.late is None and not even_if_idle:
        return
    if session.json:
        print_json(done)
        return
    if done.late is not None:
        say(f"{done.late.backup} was made before and not drilled; now it was:")
        tell_drill(done.late)
    if done.made is None:
        state = "due" if done.due.due else "no backup is due"
        say(f"{state}: {done.due.reason}")
    else:
        say(f"made {done.made.path}: {size(done.made.n_bytes)} in {done.made.seconds:.1f} s")
        if done.drill is not None:
            tell_drill(done.drill)
        if done.pruned is not None and done.pruned.pruned:
            names = ", ".join(each.name for each in done.pruned.pruned)
            say(f"pruned, as the settings say: {names}")


commands = (auto,)
