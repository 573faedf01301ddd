"""`mlmcsc quality accuracy`: technicians' accuracy scores, brought up to date."""

from __future__ import annotations

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.output import Column, attribute, counted, note, print_json, table
from mlmcsc.cli.session import Session
from mlmcsc.domain.agreement.accuracy import FEWEST

COLUMNS = (
    attribute("technician", "staff number", whole=True),
    Column("accuracy", lambda t: None if t.score is None else f"{t.score:.3f}", right=True),
    attribute("labels", "comparisons", right=True),
    attribute("since", "since (UTC)", whole=True),
)


@click.command("accuracy", cls=Command, example="quality accuracy")
@click.pass_obj
def accuracy(session: Session) -> None:
    """Bring technicians' accuracy scores up to date, and show them.

    1 is a person who always measures the reference: 1 - mean absolute error / length of the label
    range. The reference is gold, else the weighted consensus of the others.
    """
    with session.open() as db:
        done = db.agreement.update_accuracy()
    if session.json:
        print_json(done)
        return
    if done.technicians:
        table(COLUMNS, done.technicians)
    else:
        note(
            "nobody's labels can be compared: no image was measured blind by two people, or has "
            "a gold label beside"
        )
    note(f"{counted(done.changed, 'score')} changed; a score needs {FEWEST} comparisons")
    if done.restricted:
        note(f"left as it is, restricted: {counted(done.restricted, 'person', 'people')}")
