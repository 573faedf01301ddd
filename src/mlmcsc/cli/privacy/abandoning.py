"""`mlmcsc privacy abandon`: taking back an erasure that was begun by mistake."""

from __future__ import annotations

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.output import print_json, say
from mlmcsc.cli.session import Session


@click.command(
    "abandon",
    cls=Command,
    example="""
        privacy abandon tech_001
    """,
)
@click.argument("person")
@click.pass_obj
def abandon(session: Session, person: str) -> None:
    """Take back an erasure that was interrupted before anything was erased.

    The technician may label again, and the erasure ledger says that the erasure was withdrawn. Once
    the person is gone from the database there is no way back.
    """
    with session.open() as db:
        subject_id = db.erasure.abandon(person)
    if session.json:
        print_json({"subject_id": subject_id, "abandoned": True})
    else:
        say(f"the erasure of {subject_id} is taken back; nothing was erased")


commands = (abandon,)
