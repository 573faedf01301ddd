"""`mlmcsc retention`: what is beyond its period, and doing something about it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from mlmcsc.cli.command import Group
from mlmcsc.cli.confirming import agreed
from mlmcsc.cli.exits import FINDING, OK
from mlmcsc.cli.output import Column, attribute, counted, note, print_json, say, table
from mlmcsc.cli.progress import progress
from mlmcsc.cli.session import Session
from mlmcsc.domain.retention import TYPES, Action

if TYPE_CHECKING:
    from mlmcsc.domain.retention import PlannedType, RetentionPlan, RetentionReport

only = click.option(
    "--only",
    type=click.Choice(list(TYPES)),
    multiple=True,
    metavar="TYPE",
    help="This data type, as `retention plan` names it; may be given again. Left out: all.",
)


def _held(line: PlannedType) -> str:
    return "; ".join(f"{count:,}: {cause}" for cause, count in line.held_by.items()) or "-"


def _day(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d}"


PLAN = (
    attribute("type", "data", whole=True),
    Column("days", lambda line: "kept" if line.days is None else line.days, right=True),
    Column("due", lambda line: f"{line.due:,}", right=True),
    Column("held", lambda line: f"{line.held:,}", right=True),
    Column("to do", lambda line: f"{line.to_do:,}", right=True),
    Column("held by", _held, minor=True),
    Column("older than", lambda line: _day(line.cutoff), whole=True, minor=True),
    Column("oldest", lambda line: _day(line.oldest), whole=True, minor=True),
    attribute("effect", "what happens", minor=True),
)
"""The rightmost ones go first where there is no room; days are of UTC."""
APPLIED = (
    attribute("type", "data", whole=True),
    attribute("action", "done", whole=True),
    Column("rows", lambda line: f"{line.rows:,}", right=True),
    Column("transactions", lambda line: f"{line.batches:,}", right=True),
    Column(
        "with them",
        lambda line: ", ".join(f"{n:,} {name}" for name, n in line.along.items() if n) or "-",
    ),
)


@click.group("retention", cls=Group)
def group() -> None:
    """Keep data as long as the settings say, and no longer."""


@group.command(
    "plan",
    example="""
        retention plan
        retention plan --only labels --only images
        --json retention plan --check
    """,
)
@only
@click.option("--check", is_flag=True, help="Exit 1 when something is to do; for cron.")
@click.pass_obj
def plan(session: Session, *, only: tuple[str, ...], check: bool) -> int:
    """Show what is beyond its period, what holds it, and what would happen.

    Nothing is changed. Periods are the settings `retention.*`; `mlmcsc config show` prints them.
    Held rows count as due, but not as something to do: a legal hold always wins.
    """
    with session.open() as db:
        found = db.retention.plan(only)
    _show_plan(session, found)
    return FINDING if check and found.to_do else OK


@group.command(
    "apply",
    example="""
        retention apply --dry-run
        retention apply --confirm --reason 'monthly clean-up'
        retention apply --only metrics --confirm
    """,
)
@only
@click.option("--confirm", is_flag=True, help="Do it without asking.")
@click.option("--dry-run", is_flag=True, help="Show the plan; change nothing.")
@click.pass_obj
def apply(session: Session, *, only: tuple[str, ...], confirm: bool, dry_run: bool) -> int:
    """Delete what is beyond its period; redact audit events beyond theirs.

    Rows go for good, in batches, each with an event in the audit trail; held ones stay. Image files
    of the laboratory are never touched. Audit events keep their skeleton, so that every proof
    still holds. Inactive technicians are left to `mlmcsc privacy anonymize --inactive`.

    Interrupted, it may be run again.
    """
    with session.open() as db:
        found = db.retention.plan(only)
        to_do = sum(line.to_do for line in found.types if line.action is not Action.ANONYMISE)
        if dry_run:
            _show_plan(session, found)
            return OK
        if not session.json:
            _show_plan(session, found)
        # Without anything to do it still removes files that an interrupted run left behind.
        question = f"Delete or redact {counted(to_do, 'row')} for good?"
        if to_do and not agreed(question, given=confirm):
            return FINDING
        with progress() as report:
            done = db.retention.apply(only, progress=report)
    _show_report(session, done)
    return OK


def _show_plan(session: Session, plan: RetentionPlan) -> None:
    if session.json:
        print_json(plan.to_dict() | {"to_do": plan.to_do})
        return
    table(PLAN, plan.types)
    people = sum(line.to_do for line in plan.types if line.action is Action.ANONYMISE)
    if people:
        who = counted(people, "inactive technician")
        note(f"{who}: made anonymous by `mlmcsc privacy anonymize --inactive`")


def _show_report(session: Session, report: RetentionReport) -> None:
    if session.json:
        print_json(report.to_dict() | {"rows": report.rows})
        return
    done: list[Any] = [line for line in report.types if line.rows]
    if not done:
        say("nothing was to do")
    else:
        table(APPLIED, done)
    if report.files_removed:
        files = counted(report.files_removed, "file")
        say(f"{files} removed from the image store and the thumbnails")
    if report.files_left:
        more = " …" if report.files_left > len(report.examples_left) else ""
        files = counted(report.files_left, "image file")
        note(
            f"{files} of the laboratory left alone: {', '.join(report.examples_left)}{more}. "
            "Ingesting them again stores them as new images"
        )
