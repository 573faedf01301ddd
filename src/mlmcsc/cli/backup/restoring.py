"""`mlmcsc backup restore`: a backup takes the place of the database, or of nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import click

from mlmcsc.cli.backup.point_in_time import restore_to_moment
from mlmcsc.cli.command import Command
from mlmcsc.cli.confirming import agreed
from mlmcsc.cli.exits import FINDING, OK
from mlmcsc.cli.output import counted, duration, facts, note, print_json, say, size
from mlmcsc.cli.progress import progress
from mlmcsc.cli.session import Session, log_to_stderr
from mlmcsc.cli.words import Moment

if TYPE_CHECKING:
    from mlmcsc.domain.backups.restoring import RestorePlan, RestoreReport

SHOWN = 10
"""Files that are named one by one; the rest are counted."""


@click.command(
    "restore",
    cls=Command,
    example="""
        backup restore manual_backup
        backup restore manual_backup --dry-run
        backup restore manual_backup --from s3://bucket/lab --to /data/copy.db
        backup restore backup_20240101.db --force
        backup restore base_1 --point-in-time 2026-11-23T14:00Z --to /srv/pg
    """,
)
@click.argument("name")
@click.option("--from", "place", metavar="PLACE", help="Folder or s3://bucket/prefix.")
@click.option("--to", metavar="PATH", help="Restore to a new file (server: a new database).")
@click.option("--force", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Check everything, say what would be lost.")
@click.option(
    "--without-ledger",
    is_flag=True,
    help="Go on without the erasure ledger: erased people may come back. Needs --reason.",
)
@click.option("--without-names", is_flag=True, help="Go on without people's data keys.")
@click.option("--trust", metavar="FINGERPRINT", help="Audit key to believe, 16 hex digits.")
@click.option("--drop-old", is_flag=True, help="Server: drop what earlier restores kept there.")
@click.option(
    "--point-in-time",
    type=Moment(zone_required=True),
    help="A server's state at this moment, from the base backup NAME; --to names its new folder.",
)
@click.option("--as-user", metavar="USER", help="With --point-in-time: who runs the server.")
@click.pass_obj
def restore(
    session: Session,
    name: str,
    *,
    place: str | None,
    to: str | None,
    force: bool,
    dry_run: bool,
    without_ledger: bool,
    without_names: bool,
    trust: str | None,
    drop_old: bool,
    point_in_time: datetime | None,
    as_user: str | None,
) -> int:
    """Restore the backup NAME, or an SQLite file such as `backup_20240101.db`.

    A backup of that name goes before a file of that name: write a path for a file.

    Every byte is verified first; then a safety backup is taken, the backup restored beside the
    database, checked, brought up to date, people who were erased since are erased again, and only
    then it takes the database's place. Until then the database is as it was, whatever fails.

    The database need not be readable, nor there at all. Exits 1 when there is no such backup, when
    it was not agreed, or when something could not be brought back.
    """
    if without_ledger and not session.reason:
        raise click.UsageError("--without-ledger: say with --reason why; it is recorded")
    if point_in_time is not None:
        return restore_to_moment(
            session, name, point_in_time, place=place, to=to, as_user=as_user, trust=trust
        )
    from mlmcsc.bootstrap import default_actor  # noqa: PLC0415  # SQLAlchemy loads only now
    from mlmcsc.bootstrap.restoring import restore_backup  # noqa: PLC0415

    config = session.load_config()
    log_to_stderr(config.monitoring.log_level, as_json=config.monitoring.log_format == "json")

    with progress() as told:
        done = restore_backup(
            name,
            session.database,
            config,
            place=place,
            to=to,
            dry_run=dry_run,
            without_ledger=session.reason if without_ledger else None,
            without_names=without_names,
            trust=trust,
            drop_old=drop_old,
            agree=partial(_agree, session, force=force),
            actor=replace(default_actor(), reason=session.reason),
            progress=told,
        )
    return _tell(session, done, dry_run=dry_run)


def _agree(session: Session, plan: RestorePlan, *, force: bool) -> bool:
    if not session.json:
        _show_plan(plan)
    if plan.elsewhere or plan.live == "missing":
        return True  # nothing is replaced
    return agreed(f"Replace {plan.target} by {plan.backup}?", given=force, option="--force")


def _tell(session: Session, done: RestoreReport, *, dry_run: bool) -> int:
    if session.json:
        print_json(done)
    elif dry_run:
        _show_plan(done.plan)
        say("dry run: everything was checked, and nothing changed")
    elif done.restored:
        _show(done)
    if dry_run:
        return OK
    lacks = (done.not_erased, done.untold, done.files_missing, done.keys_missing)
    return OK if done.restored and not any(lacks) else FINDING


def _show_plan(plan: RestorePlan) -> None:
    losses = plan.losses
    lost = None
    if losses.n_writes is not None:
        lost = counted(losses.n_writes, "write")
        if losses.seconds:
            lost += f", the last {duration(losses.seconds)} after the backup"
    facts(
        {
            "backup": plan.backup,
            "in": plan.place,
            "taken": plan.taken_at or "unknown",
            "size": size(plan.n_bytes),
            "takes the place of": plan.target,
            "which is": "not there" if plan.live == "missing" else plan.live,
            "written since, and lost": None if plan.elsewhere else lost,
            "last write": None if plan.elsewhere else losses.last_write,
            "erasures to be done again": plan.erased_since or None,
        }
    )
    for warning in plan.warnings:
        note(warning)


def _show(done: RestoreReport) -> None:
    again = counted(len(done.erased_again), "person", "people")
    facts(
        {
            "replaced database": done.safety and f"backed up as {done.safety}",
            "kept on the server": done.kept_aside,
            "upgraded from schema": done.upgraded_from,
            "people's keys put back": done.keys_restored or None,
            "erased again": again if done.erased_again else None,
            "files put back": done.files_restored or None,
            "removed of earlier restores": ", ".join(done.tidied) or None,
        }
    )
    if done.kept_aside:
        note(
            f"no later erasure reaches {done.kept_aside}: when you are sure of the restored "
            "database, drop it, or have the next restore do so with --drop-old"
        )
    for place in done.files_kept_aside[:SHOWN]:
        note(f"was damaged, and is kept as {place}: no later erasure reaches it; delete it soon")
    if len(done.files_kept_aside) > SHOWN:
        note(f"and {len(done.files_kept_aside) - SHOWN:,} damaged files more; see --json")
    for warning in done.warnings[len(done.plan.warnings) :]:
        note(warning)
    for who, why in done.not_erased.items():
        note(f"NOT erased again: {who}: {why}")
    for who, why in done.untold.items():
        note(f"{who}: {why}")
    if done.keys_missing:
        note(f"texts of {counted(len(done.keys_missing), 'person', 'people')} stay unreadable")
    for name, why in list(done.files_missing.items())[:SHOWN]:
        note(f"{name}: {why}")
    if len(done.files_missing) > SHOWN:
        note(f"and {len(done.files_missing) - SHOWN:,} files more; --json lists them all")
    say(f"restored {done.plan.backup} to {done.target} in {duration(done.rto_seconds)}")


commands = (restore,)
