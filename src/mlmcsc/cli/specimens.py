"""`mlmcsc specimens`: what was broken, at which temperature, with which energy."""

from __future__ import annotations

from typing import Any

import click

from mlmcsc.cli import specimens_curve as curve
from mlmcsc.cli import specimens_measure as measure
from mlmcsc.cli import specimens_table as table
from mlmcsc.cli.command import Group
from mlmcsc.cli.output import attribute, facts, print_json
from mlmcsc.cli.paging import listing, show_listing
from mlmcsc.cli.session import Session
from mlmcsc.cli.words import field_options
from mlmcsc.domain.tables import SPECIMENS
from mlmcsc.errors import UnknownRecordError

DETAILS = tuple(name for name in SPECIMENS.by_name if name != "specimen_id")
COLUMNS = (
    attribute("id", right=True),
    attribute("specimen_id", "specimen"),
    attribute("material"),
    attribute("heat"),
    attribute("temperature_c", "T °C", right=True),
    attribute("orientation", whole=True),
    attribute("kv_joule", "KV J", right=True),
    attribute("le_mm", "LE mm", right=True),
    attribute("sfa_percent", "SFA %", right=True),
    attribute("sfa_method", "SFA by", whole=True, minor=True),
    attribute("notes", minor=True),
)


@click.group("specimens", cls=Group)
def group() -> None:
    """Charpy specimens: material, temperature, energy."""


@group.command("list", example="specimens list --heat H4711")
@click.option("--heat", help="Of this heat.")
@click.option("--material", help="Of this material.")
@listing
@click.pass_obj
def list_specimens(
    session: Session, /, *, heat: str | None, material: str | None, **page: Any
) -> None:
    """List specimens by id."""
    with session.open() as db:
        show_listing(
            session,
            lambda after, most: db.specimens.list(
                heat=heat, material=material, after_id=after, limit=most
            ),
            COLUMNS,
            **page,
        )


@group.command("show", example="specimens show SPEC_001")
@click.argument("specimen_id")
@click.pass_obj
def show(session: Session, specimen_id: str) -> None:
    """Show one specimen."""
    with session.open() as db:
        _print(session, db.specimens.get(specimen_id))


@group.command(
    "set",
    example="""
        specimens set SPEC_001 --material 'S355 J2' --temperature-c -40 --kv-joule 27.5
        specimens set SPEC_001 --heat H4712 --reason 'typing error on the certificate'
    """,
)
@click.argument("specimen_id")
@field_options(SPECIMENS, *DETAILS)
@click.pass_obj
def set_details(session: Session, specimen_id: str, details: dict[str, Any]) -> None:
    """Register a specimen, or change what is known of it; an empty value removes it."""
    with session.open() as db:
        try:
            specimen = db.specimens.update(specimen_id, **details)
        except UnknownRecordError:
            db.specimens.register(specimen_id, **details)
            specimen = db.specimens.get(specimen_id)
        _print(session, specimen)


group.add_command(table.command)
group.add_command(curve.command)
group.add_command(measure.command)


def _print(session: Session, specimen: Any) -> None:
    if session.json:
        print_json(specimen)
        return
    values = {column.title: column.of(specimen) for column in COLUMNS}
    facts(values | {"SFA from": specimen.sfa_details, "changed": specimen.updated_at})
