"""`mlmcsc technician`: the people who label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mlmcsc.cli.command import Group
from mlmcsc.cli.output import Column, attribute, counted, facts, note, print_json, say
from mlmcsc.cli.paging import listing, show_listing
from mlmcsc.cli.session import Session
from mlmcsc.cli.words import field_options
from mlmcsc.domain.tables import TECHNICIANS

if TYPE_CHECKING:
    from mlmcsc.domain.records import TechnicianRecord
    from mlmcsc.manager import DatabaseManager


def _accuracy(technician: TechnicianRecord) -> str | None:
    score = technician.accuracy_score
    return None if score is None else f"{score:.3f}"


def _labelled_since(technician: TechnicianRecord) -> str | None:
    """Scores are not brought up to date with each label, so that one may be of fewer."""
    scored, last = technician.accuracy_scored_at, technician.last_active
    if scored is None:
        return None
    return "yes" if last is not None and last > scored else "no"


COLUMNS = (
    attribute("id", right=True),
    attribute("technician_id", "staff number"),
    attribute("name"),
    attribute("experience_level", "experience"),
    attribute("department", minor=True),
    attribute("total_labels", "labels", right=True),
    Column("accuracy", _accuracy, right=True, minor=True),
    Column("labelled since scored", _labelled_since, minor=True),
    attribute("is_active", "active", whole=True),
)


@click.group("technician", cls=Group)
def group() -> None:
    """The people who label."""


@group.command(
    "register",
    example="technician register tech_001 --name 'John Doe' --experience-level expert",
)
@click.argument("technician_id")
@click.option("--name", required=True, help="Full name.")
@field_options(TECHNICIANS, "email", "department", "experience_level", "is_active")
@click.pass_obj
def register(session: Session, technician_id: str, name: str, details: dict[str, Any]) -> None:
    """Register a technician by staff number; the same person again changes nothing."""
    with session.open() as db:
        new_id = db.technicians.register(technician_id, name, **details)
    if session.json:
        print_json({"id": new_id, "technician_id": technician_id})
    else:
        say(f"{technician_id} is technician {new_id}")


@group.command(
    "set",
    example="""
        technician set tech_001 --department QA --experience-level expert
        technician set tech_001 --inactive --reason 'left the laboratory'
    """,
)
@click.argument("technician_id")
@field_options(TECHNICIANS, "name", "email", "department", "experience_level")
@click.option("--active/--inactive", "is_active", default=None, help="May label, or may not.")
@click.pass_obj
def set_details(
    session: Session, technician_id: str, details: dict[str, Any], *, is_active: bool | None
) -> None:
    """Change what is known of a technician; an empty value removes it."""
    if is_active is not None:
        details["is_active"] = is_active
    with session.open() as db:
        _print(session, db.technicians.update(technician_id, **details))


@group.command("list", example="technician list")
@listing
@click.pass_obj
def list_technicians(session: Session, /, **page: Any) -> None:
    """List technicians by id."""
    with session.open() as db:
        show_listing(
            session,
            lambda after, most: db.technicians.list(after_id=after, limit=most),
            COLUMNS,
            **page,
        )


@group.command("show", example="technician show tech_001")
@click.argument("technician_id")
@click.pass_obj
def show(session: Session, technician_id: str) -> None:
    """Show one technician, by staff number."""
    with session.open() as db:
        _print(session, db.technicians.get(technician_id))


def _print(session: Session, technician: TechnicianRecord) -> None:
    if session.json:
        print_json(technician)
        return
    values = {column.title: column.of(technician) for column in COLUMNS}
    facts(
        values
        | {
            "e-mail": technician.email,
            "registered": technician.created_at,
            "last label": technician.last_active,
            "accuracy of": _comparisons(technician),
            "accuracy since": technician.accuracy_scored_at,
        }
    )
    if _labelled_since(technician) == "yes":
        note("labelled since the score last changed; bring it up to date with: quality accuracy")


def _comparisons(technician: TechnicianRecord) -> str | None:
    n = technician.accuracy_labels
    return (
        None
        if n is None
        else counted(n, "label held against a reference", "labels held against a reference")
    )


def find_technician(db: DatabaseManager, technician_id: str | None, number: int | None) -> int:
    """The database id of the person named by `--technician` or `--technician-number`."""
    if (technician_id is None) == (number is None):
        raise click.UsageError("say who: --technician STAFF_NUMBER, or --technician-number ID")
    return db.technicians.get(technician_id).id if technician_id is not None else int(number or 0)
