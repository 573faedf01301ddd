"""`mlmcsc version auto`: make the version that is due, once or again and again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.exits import OK
from mlmcsc.cli.output import note, print_json, say
from mlmcsc.cli.session import Session
from mlmcsc.errors import OvertakenError, StoreError

if TYPE_CHECKING:
    from mlmcsc.manager import DatabaseManager
    from mlmcsc.services.automatic_versions import Made

YEAR = 31_536_000
PASSING = (StoreError, OvertakenError)
"""Not their other kinds, such as a damaged version or a lost key, which time does not mend."""


def _not_for_ever(_context: click.Context, _option: click.Parameter, seconds: Any) -> Any:
    """A range lets NaN pass, and infinity, for which nothing can wait."""
    if seconds is not None and not seconds <= YEAR:
        raise click.BadParameter(f"{seconds} is no number of seconds up to a year, {YEAR:,}.")
    return seconds


@click.command(
    "auto",
    cls=Command,
    example="""
        version auto
        version auto --dry-run
        version auto --watch 600
    """,
)
@click.option("--dry-run", is_flag=True, help="Say whether one is due; make none.")
@click.option(
    "--watch",
    type=click.FloatRange(min=1),
    callback=_not_for_ever,
    metavar="SECONDS",
    help="Look again every so often, until Ctrl-C; one line for each event.",
)
@click.pass_obj
def auto(session: Session, *, dry_run: bool, watch: float | None) -> int:
    """Make a version if the settings `versioning.*` say that one is due.

    It is due when `auto_new_labels` labels were stored, corrected or verified since the last one,
    or when the time of `auto_schedule` has come and there is any such label. It is made like the
    newest version: the same label policy, splits, seed, filters and feature sets. Where none of
    the changed labels decides a value, none is made.

    Exit 0 whether one was made or none was due, so that cron is quiet. Any number may run at once.
    """
    with session.open() as db:
        if watch is None:
            _tell(session, db.automatic_versions.create_due(dry_run=dry_run))
        else:
            _watch(session, db, watch, dry_run=dry_run)
    return OK


def _watch(session: Session, db: DatabaseManager, seconds: float, *, dry_run: bool) -> None:
    """Look until Ctrl-C; what was told is not told again until it changes."""
    told = None
    try:
        while True:
            found = _look(db, dry_run=dry_run)
            if found is not None:
                verdict = found.due.version, found.due.due, found.due.since
                if found.made is not None or verdict != told:
                    _tell(session, found)
                told = verdict
            time.sleep(seconds)
    except KeyboardInterrupt:
        note("stopped watching")


def _look(db: DatabaseManager, *, dry_run: bool) -> Made | None:
    """A server that is away for a while, or a full disk, ends no watch; it is told each time."""
    try:
        return db.automatic_versions.create_due(dry_run=dry_run)
    except StoreError as error:
        if type(error) not in PASSING:
            raise
        note(f"Error: {error} Trying again.")
        return None


def _tell(session: Session, found: Made) -> None:
    if session.json:
        print_json(found)
    elif found.made is not None:
        images, reason = found.made.total_images, found.due.reason
        say(f"made version {found.made.version} of {images:,} images: {reason}")
    elif found.due.due:
        say(f"due: version {found.due.version}: {found.due.reason}")
    else:
        say(f"no version is due: {found.due.reason}")


commands = (auto,)
