"""`mlmcsc privacy delete-user-data|anonymize|replay`: erasing people, for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.confirming import agreed
from mlmcsc.cli.exits import FINDING, OK
from mlmcsc.cli.output import attribute, counted, note, print_json, say, table
from mlmcsc.cli.privacy.erasure_views import show_done, show_plan, show_plans, tell_refused
from mlmcsc.cli.progress import progress
from mlmcsc.cli.session import Session
from mlmcsc.cli.words import AGE_HELP, Age

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from mlmcsc.domain.privacy.erased import ErasureReport
    from mlmcsc.services.privacy.erasure.erasure import ReplayReport

WAITING = (
    attribute("subject_id", "person", whole=True),
    attribute("technician_row", "technician", right=True),
    attribute("labels", whole=True),
    attribute("erased_at", "erased", whole=True),
)

confirm = click.option("--confirm", is_flag=True, help="Do it without asking.")
dry_run = click.option("--dry-run", is_flag=True, help="Show what would be done; change nothing.")


@click.command(
    "delete-user-data",
    cls=Command,
    example="""
        privacy delete-user-data tech_001 --dry-run
        privacy delete-user-data tech_001 --request 4 --certificate erased.json
        privacy delete-user-data tech_001 --labels delete --confirm
    """,
)
@click.argument("person")
@click.option(
    "--labels",
    type=click.Choice(["keep", "delete"]),
    default="keep",
    show_default=True,
    help="Keep measurements as anonymous ones, or delete them.",
)
@click.option("--ground", default="GDPR Art. 17(1)", show_default=True, help="Why, for the record.")
@click.option("--request", "request_id", type=int, help="Number of the request that is answered.")
@click.option("--certificate", metavar="FILE", help="Write the signed certificate there.")
@confirm
@dry_run
@click.pass_obj
def delete_user_data(
    session: Session,
    /,
    person: str,
    *,
    certificate: str | None,
    confirm: bool,
    dry_run: bool,
    **wanted: Any,
) -> int:
    """Erase a person from the database, archives, caches and exports; for good.

    PERSON is a staff number, a login, a written name or a subject id. Interrupted, the same command
    finishes it. A legal hold always wins.
    """
    with session.open() as db:
        plan = db.delete_user_data(person, dry_run=True, **wanted)
        if dry_run:
            show_plan(session, plan)
            return OK
        if not _agreed([plan], session, confirm=confirm):
            return FINDING
        if plan.subject_id is not None:
            note(
                f"the person is {plan.subject_id}: interrupted, or for the certificate again, run "
                "this command with that id"
            )
        with progress() as report:
            done = db.delete_user_data(person, certificate=certificate, progress=report, **wanted)
    show_done(session, done)
    return OK


@click.command(
    "anonymize",
    cls=Command,
    example="""
        privacy anonymize --inactive --dry-run
        privacy anonymize --older-than 3y
        privacy anonymize tech_001
    """,
)
@click.argument("person", required=False)
@click.option(
    "--inactive",
    is_flag=True,
    help="Every technician inactive for longer than retention.anonymize_after_days.",
)
@click.option("--older-than", type=Age(), help=f"Every technician inactive for longer: {AGE_HELP}")
@confirm
@dry_run
@click.pass_obj
def anonymize(
    session: Session,
    person: str | None,
    *,
    inactive: bool,
    older_than: timedelta | None,
    confirm: bool,
    dry_run: bool,
) -> int:
    """Make people anonymous whose data nothing needs any more; their labels stay.

    It is an erasure with another ground: their data keys are destroyed. With --inactive it does
    what `mlmcsc retention plan` shows for technicians.
    """
    if [person is not None, inactive, older_than is not None].count(True) != 1:
        raise click.UsageError("say whom: a person, --inactive, or --older-than AGE; one of them")
    days = _age(session, older_than, inactive=inactive)
    with session.open() as db:
        plans = db.anonymize_data(person, older_than_days=days, dry_run=True)
        if dry_run:
            show_plans(session, plans)
            return OK
        open_ = [plan for plan in plans if not plan.refused]
        if open_ and not _agreed(open_, session, confirm=confirm):
            return FINDING
        with progress() as report:
            done = db.anonymize_data(person, older_than_days=days, progress=report)
    if session.json:
        print_json(done)
    elif not done:
        say("nothing was to do")
    for each in () if session.json else done:
        show_done(session, each)
    return OK


@click.command(
    "replay",
    cls=Command,
    example="""
        privacy replay --dry-run
        privacy replay
    """,
)
@dry_run
@click.pass_obj
def replay(session: Session, *, dry_run: bool) -> int:
    """Erase again whom a restored backup brought back, by the erasure ledger beside the key file.

    It also goes on in data versions whose files an erasure did not reach, if they were put back.

    Exit code 1: with --dry-run, somebody is to be erased; without, somebody could not be, or a
    version is still not reached; and whenever the ledger tells of somebody of whom this database
    cannot tell whether they are here.
    """
    with session.open() as db, progress() as report:
        found = db.erasure.replay(dry_run=dry_run, progress=report)
    if session.json:
        print_json(found)
    else:
        _show_replay(found, dry_run=dry_run)
    failed = found.refused or found.untold or found.unreached
    return FINDING if failed or (dry_run and found.waiting) else OK


commands = (delete_user_data, anonymize, replay)


def _show_replay(found: ReplayReport, *, dry_run: bool) -> None:
    if not (found.waiting or found.untold or found.versions or found.unreached):
        say("every erasure of the ledger is done in this database")
    if found.waiting:
        table(WAITING, found.waiting)
    if found.waiting and not dry_run:
        say(f"{counted(len(found.applied), 'erasure')} done again")
    for version, count in found.versions.items():
        say(f"{version}: {counted(count, 'record')} redacted in files that were put back")
    tell_refused(found.refused)
    for who, why in found.untold.items():
        note(f"{who}: {why}")
    for version, why in found.unreached.items():
        note(f"{version}: not reached: {why}")


def _agreed(plans: Sequence[ErasureReport], session: Session, *, confirm: bool) -> bool:
    """Show the plan and ask, once, before anything is changed."""
    if not confirm and not session.json:
        show_plans(session, plans)
    question = f"Erase {counted(len(plans), 'person', 'people')} for good?"
    return agreed(question, given=confirm)


def _age(session: Session, older_than: timedelta | None, *, inactive: bool) -> int | None:
    """Days without activity after which people are meant; None where one is named."""
    if older_than is not None:
        return older_than.days
    if not inactive:
        return None
    settings = session.load_config().retention
    if not settings.anonymization_enabled:
        raise click.UsageError(
            "retention.anonymization_enabled is false: nobody is made anonymous by the period. "
            "Set it to true, name a person, or give --older-than AGE"
        )
    return settings.anonymize_after_days
