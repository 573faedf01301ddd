"""`mlmcsc privacy restrict|hold|release|holds`: what may not be used, what may not be deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.output import Column, attribute, facts, print_json, say, table
from mlmcsc.cli.session import Session

if TYPE_CHECKING:
    from mlmcsc.domain.holds import HoldRecord


def _whom(held: HoldRecord) -> str:
    if held.specimen_id is not None:
        return f"specimen {held.specimen_id}"
    return held.person or str(held.subject_id)


COLUMNS = (
    attribute("id", right=True),
    attribute("kind", whole=True),
    Column("on", _whom),
    attribute("ground"),
    attribute("placed_at", "placed", whole=True),
    attribute("released_at", "released", whole=True),
    attribute("release_reason", "because", minor=True),
)


@click.command(
    "restrict",
    cls=Command,
    example="privacy restrict tech_001 --ground 'accuracy contested, Art. 18(1)(a)'",
)
@click.argument("person")
@click.option("--ground", required=True, help="Why, for the record.")
@click.pass_obj
def restrict(session: Session, person: str, ground: str) -> None:
    """Restrict the processing of a person's data: stored, but not used (GDPR Art. 18).

    New labels by the person are refused, earlier ones are left out of training data, and personal
    texts are withheld. PERSON is a staff number, a login or a subject id.
    """
    with session.open() as db:
        _show(session, db.holds.restrict(person, ground))


@click.command(
    "hold",
    cls=Command,
    example="""
        privacy hold tech_001 --ground 'court order 12 O 345/26'
        privacy hold --specimen SPEC_001 --ground 'claim of the customer'
    """,
)
@click.argument("person", required=False)
@click.option("--specimen", help="Hold a specimen, in place of a person.")
@click.option("--ground", required=True, help="Why, for the record.")
@click.pass_obj
def hold(session: Session, person: str | None, specimen: str | None, ground: str) -> None:
    """Keep everything of a person or a specimen from being deleted (legal hold)."""
    _one_of(person, specimen)
    with session.open() as db:
        _show(session, db.holds.hold(person, specimen=specimen, ground=ground))


@click.command(
    "release",
    cls=Command,
    example="""
        privacy release tech_001 --reason 'accuracy confirmed' --restriction
        privacy release --specimen SPEC_001 --reason 'claim settled'
    """,
)
@click.argument("person", required=False)
@click.option("--specimen", help="Release a specimen, in place of a person.")
@click.option("--reason", required=True, help="Why it is released.")
@click.option("--restriction", "kind", flag_value="restrict", help="The restriction.")
@click.option("--hold", "kind", flag_value="hold", help="The hold.")
@click.option("--id", "hold_id", type=int, help="The one of this number; see privacy holds.")
@click.pass_obj
def release(
    session: Session, /, person: str | None, specimen: str | None, reason: str, **which: Any
) -> None:
    """End a restriction or a hold; where several are in force, say which."""
    _one_of(person, specimen)
    with session.open() as db:
        _show(session, db.holds.release(person, specimen=specimen, reason=reason, **which))


@click.command(
    "holds",
    cls=Command,
    example="""
        privacy holds
        privacy holds tech_001 --all
    """,
)
@click.argument("person", required=False)
@click.option("--specimen", help="Of this specimen only.")
@click.option("--all", "released", is_flag=True, help="Also those that have ended.")
@click.pass_obj
def holds(session: Session, person: str | None, specimen: str | None, *, released: bool) -> None:
    """List restrictions and holds in force."""
    if person is not None:
        _one_of(person, specimen)
    with session.open() as db:
        found = db.holds.list(person, specimen=specimen, released=released)
    if session.json:
        print_json(found)
    elif found:
        table(COLUMNS, found)
    else:
        say("nothing is held or restricted")


commands = (restrict, hold, release, holds)


def _one_of(person: str | None, specimen: str | None) -> None:
    if (person is None) == (specimen is None):
        raise click.UsageError("name a person, or --specimen NUMBER, and not both")


def _show(session: Session, held: HoldRecord) -> None:
    if session.json:
        print_json(held)
    else:
        facts({column.title: column.of(held) for column in COLUMNS})
