"""`mlmcsc backup prune`, `scrub`: what is kept, and whether it is still readable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mlmcsc.cli.backup.looking import from_place
from mlmcsc.cli.command import Command
from mlmcsc.cli.confirming import agreed
from mlmcsc.cli.exits import FINDING, OK
from mlmcsc.cli.output import attribute, counted, note, print_json, say, size, table
from mlmcsc.cli.progress import byte_progress, progress
from mlmcsc.cli.session import Session

if TYPE_CHECKING:
    from mlmcsc.domain.backups.reports import PruneReport, ScrubReport

KEPT = (
    attribute("name", "kept", whole=True),
    attribute("taken_at", "state of (UTC)", whole=True),
    attribute("reason"),
)
GOING = (
    attribute("name", "goes", whole=True),
    attribute("taken_at", "state of (UTC)", whole=True),
    attribute("kind", whole=True),
)


@click.command(
    "prune",
    cls=Command,
    example="""
        backup prune --dry-run
        backup prune --confirm
        backup prune --from s3://bucket/lab --confirm
    """,
)
@from_place
@click.option("--dry-run", is_flag=True, help="Show what would go; change nothing.")
@click.option("--confirm", is_flag=True, help="Do it without asking.")
@click.pass_obj
def prune(session: Session, place: str | None, *, dry_run: bool, confirm: bool) -> int:
    """Remove backups that the settings `backup.*` do not keep.

    Kept are all younger than `retention_days`, the newest of the last weeks, months and years, the
    newest at all, and the newest that was verified and not found damaged since.
    """
    with session.open() as db:
        plan = db.backups.prune(to=place, dry_run=True)
        if dry_run or not session.json:
            _show_plan(session, plan)
        if dry_run:
            return OK
        question = f"Remove {counted(len(plan.pruned), 'backup')} for good?"
        if plan.pruned and not agreed(question, given=confirm):
            return FINDING
        with progress() as report:
            done = db.backups.prune(to=place, progress=report)
    if session.json:
        print_json(done)
    else:
        say(f"{counted(len(done.pruned), 'backup')} removed, {size(done.freed_bytes)} freed")
    if done.tidied:
        note(f"removed {counted(done.tidied, 'file')} that interrupted runs had left")
    return OK


def _show_plan(session: Session, plan: PruneReport) -> None:
    if session.json:
        print_json(plan)
        return
    if plan.kept:
        table(KEPT, plan.kept)
    if plan.pruned:
        table(GOING, plan.pruned)
    else:
        say("nothing to remove")
    for fault in plan.left_alone:
        note(f"left alone: {fault.name}: {fault.problem}")


@click.command(
    "scrub",
    cls=Command,
    example="""
        backup scrub
        backup scrub --repair
    """,
)
@from_place
@click.option("--repair", is_flag=True, help="Write damaged shared files anew where possible.")
@click.pass_obj
def scrub(session: Session, place: str | None, *, repair: bool) -> int:
    """Read every file of every backup in a place. Exits 1 when something is damaged or missing.

    Shared files are those of versions, archives and images: where the database still has their
    content, --repair writes them anew.
    """
    with session.open() as db, byte_progress() as report:
        found = db.backups.scrub(to=place, repair=repair, progress=report)
    if session.json:
        print_json(found.to_dict() | {"whole": found.whole})
    else:
        _show_scrub(found)
    return OK if found.whole else FINDING


def _show_scrub(found: ScrubReport) -> None:
    say(
        f"{found.place}: {counted(found.n_sets, 'backup')}, {counted(found.n_files, 'file')}, "
        f"{size(found.n_bytes)}, {found.rate:,.0f} MB/s"
    )
    for fault in found.faults:
        mended = " (written anew)" if fault.name in found.repaired else ""
        if fault.name in found.removed:
            mended = " (removed: the next backup writes it anew; those that need it stay damaged)"
        note(f"{fault.name}: {fault.problem}{mended}")
    for key in found.unknown:
        shown = key if key.isprintable() else ascii(key)
        note(f"{shown}: belongs to no backup")
    if not found.faults:
        say("nothing is damaged")


commands = (prune, scrub)
