"""`mlmcsc privacy requests [add|extend|close]`: what people ask for, answered in time."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import click

from mlmcsc.cli.command import ListingGroup
from mlmcsc.cli.exits import FINDING, OK
from mlmcsc.cli.output import Column, attribute, counted, facts, note, print_json, say, table
from mlmcsc.cli.session import Session

if TYPE_CHECKING:
    from mlmcsc.domain.privacy.requests import RequestRecord

KINDS = ("access", "portability", "rectification", "erasure", "restriction", "objection")
HOLIDAYS = "public holidays are not known; they could only move a time limit later"


def _left(request: RequestRecord) -> str:
    """Days until the time limit, or how it was kept."""
    now = datetime.now(UTC)
    if request.closed_at is not None:
        return "late" if request.overdue(now) else "in time"
    if request.overdue(now):
        return f"OVERDUE by {(now - request.due_at).days + 1} d"
    return f"{(request.due_at.date() - now.date()).days} d left"


COLUMNS = (
    attribute("id", right=True),
    attribute("kind", whole=True),
    Column("person", lambda r: r.person or r.subject_id),
    Column("received", lambda r: r.received_at.date(), whole=True),
    Column("due", lambda r: r.due_at.date(), whole=True),
    attribute("state", whole=True),
    Column("time limit", _left, whole=True),
    attribute("outcome", minor=True),
)


@click.group(
    "requests",
    cls=ListingGroup,
    example="""
        privacy requests
        privacy requests --person tech_001 --all
        --json privacy requests --check
    """,
)
@click.option("--person", metavar="ID", help="Of this person only.")
@click.option("--all", "closed", is_flag=True, help="Also those that were answered.")
@click.option("--check", is_flag=True, help="Exit 1 when one is overdue; for cron.")
@click.pass_context
def requests(context: click.Context, person: str | None, *, closed: bool, check: bool) -> int:
    """List people's requests, the most pressing first; enter, extend and close them.

    Each is to be answered within one month of receipt (GDPR Art. 12(3)), counted by Regulation
    (EEC, Euratom) 1182/71: a last day on a weekend moves to Monday. Public holidays are not known.
    """
    if context.invoked_subcommand is not None:
        if person is not None or closed or check:
            raise click.UsageError("--person, --all and --check go with the list alone")
        return OK
    session = context.ensure_object(Session)
    with session.open() as db:
        found = db.requests.list(person, closed=closed)
    now = datetime.now(UTC)
    overdue = [r for r in found if r.closed_at is None and r.overdue(now)]
    if session.json:
        print_json([{**r.to_dict(), "overdue": r in overdue} for r in found])
    elif found:
        table(COLUMNS, found)
        if overdue:
            many = counted(len(overdue), "request is", "requests are")
            click.secho(f"{many} overdue: answer now", fg="red", bold=True)
        note(HOLIDAYS)
    else:
        say("no request is open" if not closed else "there is no request")
    return FINDING if check and overdue else OK


@requests.command(
    "add",
    example="""
        privacy requests add tech_001 --kind erasure
        privacy requests add tech_001 --kind access --received 2026-11-20
    """,
)
@click.argument("person")
@click.option("--kind", required=True, type=click.Choice(KINDS), help="What is asked for.")
@click.option(
    "--received",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="Day of receipt; left out: today (UTC).",
)
@click.pass_obj
def add(session: Session, person: str, kind: str, received: datetime | None) -> None:
    """Enter a person's request; it must be answered within one month."""
    day: date | None = None if received is None else received.date()
    with session.open() as db:
        _show(session, db.requests.add(person, kind, day))


@requests.command(
    "extend",
    example="privacy requests extend 3 --because 'twelve years of archives'",
)
@click.argument("number", type=int)
@click.option("--because", required=True, help="Why; the person must be told within the month.")
@click.pass_obj
def extend(session: Session, number: int, because: str) -> None:
    """Extend a request's time limit by two further months (GDPR Art. 12(3)).

    Once, and only while the first month lasts.
    """
    with session.open() as db:
        _show(session, db.requests.extend(number, because))


@requests.command(
    "close",
    example="""
        privacy requests close 3 --outcome 'copy handed over in person'
        privacy requests close 4 --outcome 'identity could not be confirmed' --refused
    """,
)
@click.argument("number", type=int)
@click.option("--outcome", required=True, help="The answer in words.")
@click.option("--refused", is_flag=True, help="Nothing was done; tell the person why.")
@click.pass_obj
def close(session: Session, number: int, outcome: str, *, refused: bool) -> None:
    """Mark a request as answered.

    Who is refused must be told the reasons, and that they may complain to a supervisory authority
    and go to court (GDPR Art. 12(4)).
    """
    with session.open() as db:
        _show(session, db.requests.close(number, outcome, refused=refused))


commands = (requests,)


def _show(session: Session, shown: RequestRecord) -> None:
    if session.json:
        print_json(shown)
        return
    facts({column.title: column.of(shown) for column in COLUMNS})
    note(HOLIDAYS)
