"""`mlmcsc backup base`, `archiving`, `restore --point-in-time`: a server goes back to a moment."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.exits import FINDING, OK
from mlmcsc.cli.output import Column, attribute, counted, facts, note, print_json, say, size, table
from mlmcsc.cli.progress import progress
from mlmcsc.cli.session import Session

if TYPE_CHECKING:
    from mlmcsc.domain.backups.point_in_time import PointReport

BASES = (
    attribute("name", "base backup", whole=True),
    Column("goes back to any moment since", lambda b: b.from_, whole=True),
    Column("size", lambda b: size(b.stored_bytes), right=True),
    attribute("encrypted", whole=True),
    attribute("first_log", "log needed from", minor=True),
)


@click.command(
    "base",
    cls=Command,
    example="""
        backup base
        backup base --name before_upgrade --to /mnt/backups --keep 2
    """,
)
@click.option("--name", help="A name; left out: base_ and the time.")
@click.option("--to", "place", metavar="PLACE", help="Folder or s3://bucket/prefix.")
@click.option("--keep", type=click.IntRange(min=1), help="Then remove all but so many newest.")
@click.option(
    "--accept-unencrypted",
    is_flag=True,
    help="Write it readable by all who get hold of it; it holds people's wrapped keys.",
)
@click.pass_obj
def base(
    session: Session,
    *,
    name: str | None,
    place: str | None,
    keep: int | None,
    accept_unencrypted: bool,
) -> int:
    """Copy a PostgreSQL server's files, so that it can go back to any moment from then on.

    Unlike other backups this one holds the whole server and people's wrapped keys, so it is
    encrypted under the master key. An erasure reaches it when it is removed: keep few (--keep), and
    the archived log that none of them needs goes too.

    The server must archive its log: see `mlmcsc backup archiving`.
    """
    with session.open() as db:
        with progress() as told:
            made = db.base_backups.create(
                name, place=place, encrypt=not accept_unencrypted, progress=told
            )
        gone = () if keep is None else db.base_backups.prune(keep, place=place)
    if session.json:
        print_json({"base": made, "pruned": gone})
        return OK
    say(f"{made.name}: {size(made.stored_bytes)} in {made.place}")
    say(f"the server can go back to any moment since {made.from_:%Y-%m-%dT%H:%M:%SZ}")
    if not made.encrypted:
        note("it is not encrypted: whoever has it and the master key has people's names")
    if gone:
        say(f"removed: {', '.join(gone)}, and the log that nobody needs any more")
    return OK


@click.command("archiving", cls=Command, example="backup archiving")
@click.option("--from", "place", metavar="PLACE", help="Folder or s3://bucket/prefix.")
@click.pass_obj
def archiving(session: Session, place: str | None) -> int:
    """Show whether a PostgreSQL server archives its log, and how far back it can go.

    Exits 1 when it does not, with the settings to make.
    """
    with session.open() as db:
        state = db.base_backups.archiving()
        bases = db.base_backups.list(place)
    if session.json:
        print_json({"archiving": state, "bases": bases})
        return FINDING if state.missing or not bases else OK
    facts(
        {
            "last archived": state.last_archived or "nothing yet",
            "at": state.last_archived_at,
            "attempts that failed": state.n_failed or None,
            "last failure": state.last_failed_at,
        }
    )
    for each in state.missing:
        note(each)
    if state.missing:
        say("in postgresql.conf:")
        for name, value in state.wanted.items():
            doubled = value.replace("'", "''")
            click.echo(f"{name} = '{doubled}'")  # to be copied as it stands
    if bases:
        table(BASES, bases)
    else:
        note("there is no base backup: `mlmcsc backup base` makes one")
    return FINDING if state.missing or not bases else OK


def restore_to_moment(
    session: Session,
    name: str,
    moment: datetime,
    *,
    place: str | None,
    to: str | None,
    as_user: str | None,
    trust: str | None,
) -> int:
    """Lay a server's folder out that stands at the moment, and say how to start it."""
    from dataclasses import replace  # noqa: PLC0415

    from mlmcsc.bootstrap import default_actor  # noqa: PLC0415  # SQLAlchemy loads only now
    from mlmcsc.bootstrap import point_in_time as restoring  # noqa: PLC0415

    config = session.load_config()
    url = session.database or config.database.get_connection_url()
    if to is None and not url.startswith("sqlite"):  # which is refused whatever is named
        raise click.UsageError("--point-in-time: say with --to which new folder the server gets.")
    folder = Path(to or ".").absolute()
    wanted = restoring.Wanted(name, moment, folder, place=place, as_user=as_user, trust=trust)
    actor = replace(default_actor(), reason=session.reason)
    with progress() as told:
        done = restoring.restore_to_moment(wanted, url, config, actor=actor, progress=told)
    if session.json:
        print_json(done)
    else:
        _show(done)
    return FINDING if done.problems or done.not_erased else OK


def _show(done: PointReport) -> None:
    say(f"{done.folder} stands at {done.moment.isoformat()}, made from {done.base}")
    facts(
        {
            "last write in it": done.last_write_at or "none after the base backup",
            "erased again": counted(len(done.erased_again), "person", "people"),
            "events in the trail": f"{done.n_events:,}",
            "took": f"{done.seconds:.1f} s",
        }
    )
    for who, why in done.not_erased.items():
        note(f"{who} could not be erased again, do not start the server before: {why}")
    for problem in done.problems:
        note(problem)
    say("to start it for good:")
    say("  1. stop the old server, and keep its folder until you are sure")
    say("  2. give archive_command a new, empty folder: this server's log goes another way now")
    say(f"  3. pg_ctl -D {done.folder} start (or put the folder in the old one's place)")
    say("  4. mlmcsc backup base: the old base backups do not lead into the new log")
