"""`mlmcsc backup drill`, `history`: what proves that a backup can be restored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.exits import FINDING, OK
from mlmcsc.cli.output import (
    Column,
    attribute,
    duration,
    facts,
    note,
    print_json,
    say,
    table,
)
from mlmcsc.cli.plotting import require_plots, write_plot
from mlmcsc.cli.progress import progress
from mlmcsc.cli.session import Session

if TYPE_CHECKING:
    from mlmcsc.domain.backups.drills import DrillReport


WORTH_TELLING = 0.1
"""Seconds from which on a step is shown; --json has all."""


@click.command(
    "drill",
    cls=Command,
    example="""
        backup drill
        backup drill manual_backup
        backup drill --all --from s3://bucket/lab
    """,
)
@click.argument("name", required=False)
@click.option("--from", "place", metavar="PLACE", help="Folder or s3://bucket/prefix.")
@click.option("--all", "every", is_flag=True, help="Each backup of this database, oldest first.")
@click.pass_obj
def drill(session: Session, name: str | None, place: str | None, *, every: bool) -> int:
    """Restore a backup to scratch, check everything there, and measure how long it takes.

    Left out, NAME is the newest. The live database and its folders are not touched; what was
    restored is removed. Beside the set lies a signed `proof.json` afterwards.

    Exit 1 if a backup could not be restored whole.
    """
    if every and name is not None:
        raise click.UsageError("Name one backup, or give --all, not both.")
    with session.open() as db, progress() as told:
        drills = db.backup_drills
        if every:
            found = drills.drill_all(place=place, progress=told)
        else:
            found = [drills.drill(name, place=place, progress=told)]
    if session.json:
        print_json(found if every else found[0])
    elif not found:
        say("there is no backup of this database to drill")
    else:
        for each in found:
            tell_drill(each)
    return OK if all(each.passed for each in found) else FINDING


def tell_drill(done: DrillReport) -> None:
    """Say how a drill went."""
    verdict = "restored whole" if done.passed else "NOT restored whole"
    say(f"{done.backup}: {verdict} (drill {done.id})")
    steps = done.details["steps"].items()
    shown = {step: duration(seconds) for step, seconds in steps if seconds >= WORTH_TELLING}
    rpo = "unknown: it is the first" if done.rpo_seconds is None else duration(done.rpo_seconds)
    times = {"recovery time (RTO)": duration(done.rto_seconds), "recovery point (RPO)": rpo}
    facts({f"  {name}": value for name, value in (shown | times).items()})
    for check in sorted(done.details["checks"], key=lambda check: bool(check["passed"])):
        say(f"  {'ok' if check['passed'] else 'FAILED'}: {check['name']}: {check['message']}")


@click.command(
    "history",
    cls=Command,
    example="""
        backup history
        backup history --plot recovery.svg
    """,
)
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, help="Newest so many.")
@click.option("--plot", metavar="FILE", help="Draw RTO and RPO over time: .svg or .png.")
@click.pass_obj
def history(session: Session, *, limit: int, plot: str | None) -> None:
    """List the drills, newest first, with measured recovery time (RTO) and point (RPO).

    RTO: from the first byte read to a checked database ready to be swapped in. RPO: what would
    have been lost if the disk had gone just before that backup was whole.
    """
    if plot is not None:
        require_plots(plot)
    with session.open() as db:
        found = db.backup_drills.history(limit)
    if plot is not None and found:
        from mlmcsc.plots.backups import recovery_history  # noqa: PLC0415  # imports Altair

        write_plot(recovery_history(found), plot)
    if session.json:
        print_json(found)
        return
    if not found:
        say("no backup was drilled yet: `mlmcsc backup drill`")
        return
    table(
        [
            attribute("started_at", "drilled, UTC", whole=True),
            attribute("backup", whole=True),
            attribute("taken_at", "taken, UTC", whole=True, minor=True),
            attribute("passed", whole=True),
            Column("RTO", lambda each: duration(each.rto_seconds), right=True),
            Column("RPO", _rpo, right=True),
            Column("what failed", lambda each: "; ".join(each.faults)),
        ],
        found,
    )
    if plot is not None:
        note(f"drawn: {plot}")


def _rpo(each: DrillReport) -> str | None:
    return None if each.rpo_seconds is None else duration(each.rpo_seconds)


commands = (drill, history)
