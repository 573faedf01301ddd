"""`mlmcsc labels`: made, corrected, verified, and never silently overwritten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mlmcsc.cli.annotation_views import LABELS as COLUMNS
from mlmcsc.cli.annotation_views import REVISIONS
from mlmcsc.cli.command import Group
from mlmcsc.cli.labels_consensus import consensus
from mlmcsc.cli.labels_queue import queue
from mlmcsc.cli.output import facts, note, print_json, say, table
from mlmcsc.cli.paging import given, listing, show_listing
from mlmcsc.cli.session import Session
from mlmcsc.cli.specimens_measure import measurement, sfa_input
from mlmcsc.cli.technician import find_technician
from mlmcsc.cli.words import FieldWord, Moment, field_options
from mlmcsc.domain.tables import LABELS

if TYPE_CHECKING:
    from mlmcsc.domain.records import LabelRecord

DETAILS = tuple(
    name for name in LABELS.by_name if name not in {"image_id", "technician_id", "label"}
)


@click.group("labels", cls=Group)
def group() -> None:
    """Make, correct, verify and read labels."""


group.add_command(consensus)
group.add_command(queue)


@group.command(
    "add",
    example="""
        labels add 17 0.87 --technician tech_001 --notes 'clear lips' --time-spent 24
        labels add 17 --a-mm 4.2 --b-mm 5.1 --technician tech_001
    """,
)
@click.argument("image_id", type=int)
@click.argument("label", type=FieldWord(LABELS.by_name["label"]), required=False)
@measurement
@click.option("--technician", help="Who measured: the staff number.")
@click.option("--technician-number", type=int, help="Who measured: the id instead.")
@field_options(LABELS, *DETAILS)
@click.pass_obj
def add(
    session: Session,
    *,
    image_id: int,
    label: float | None,
    sfa: dict[str, Any],
    technician: str | None,
    technician_number: int | None,
    details: dict[str, Any],
) -> None:
    """Store the LABEL that a technician measured on the image IMAGE_ID.

    In place of LABEL, an SFA is computed from A and B in mm, or from areas, and kept with them.
    """
    if (label is None) == (not sfa):
        raise click.UsageError("give the LABEL, or --a-mm and --b-mm, or both areas; one of them")
    with session.open() as db:
        who = find_technician(db, technician, technician_number)
        if label is None:
            new_id = db.charpy.label(image_id, who, **sfa_input(sfa), **details)
        else:
            new_id = db.labels.add(image_id, who, label, **details)
    if session.json:
        print_json({"id": new_id})
    else:
        say(f"label {new_id} stored")


@group.command("list", example="labels list --image 17\nlabels list --technician tech_001 --all")
@click.option("--image", "image_id", type=int, help="Of this image.")
@click.option("--technician", help="By this staff number.")
@click.option("--type", "label_type", help="Of this type, e.g. manual.")
@click.option("--verified/--unverified", "is_verified", default=None, help="Checked, or not.")
@click.option("--by-people", is_flag=True, default=None, help="Not the consensus of several.")
@click.option("--since", type=Moment(), help="Made at or after.")
@click.option("--until", type=Moment(), help="Made before.")
@listing
@click.pass_obj
def list_labels(
    session: Session,
    /,
    *,
    image_id: int | None,
    technician: str | None,
    limit: int | None,
    after_id: int,
    everything: bool,
    **filters: Any,
) -> None:
    """List labels by id, as they are now."""
    with session.open() as db:
        if technician is not None:
            filters["technician_id"] = db.technicians.get(technician).id
        wanted = given(**filters)
        show_listing(
            session,
            lambda after, most: db.labels.list(image_id, after_id=after, limit=most, **wanted),
            COLUMNS,
            limit=limit,
            after_id=after_id,
            everything=everything,
        )


@group.command("show", example="labels show 5")
@click.argument("label_id", type=int)
@click.pass_obj
def show(session: Session, label_id: int) -> None:
    """Show one label."""
    with session.open() as db:
        _print(session, db.labels.get(label_id))


@group.command(
    "correct",
    example="labels correct 5 --label 0.82 --reason 'lips were counted as cleavage'",
)
@click.argument("label_id", type=int)
@click.option("--reason", required=True, help="Why; kept with the earlier value.")
@field_options(LABELS, "label", "label_type", "difficulty_rating", "notes", "annotation_data")
@click.pass_obj
def correct(session: Session, label_id: int, reason: str, details: dict[str, Any]) -> None:
    """Correct a label; its earlier state is kept.

    A changed label, type or annotation takes a verification back; notes and difficulty do not.
    """
    with session.open() as db:
        _print(session, db.labels.correct(label_id, reason=reason, **details))


@group.command(
    "verify", example="labels verify 5 --by tech_002\nlabels verify 5 --by tech_002 --withdraw"
)
@click.argument("label_id", type=int)
@click.option("--by", "verified_by", required=True, help="Who checked it.")
@click.option("--withdraw", is_flag=True, help="Take the verification back.")
@click.pass_obj
def verify(session: Session, label_id: int, verified_by: str, *, withdraw: bool) -> None:
    """Record that somebody checked a label."""
    with session.open() as db:
        _print(session, db.labels.verify(label_id, verified_by, is_verified=not withdraw))


@group.command("history", example="labels history 5")
@click.argument("label_id", type=int)
@click.pass_obj
def history(session: Session, label_id: int) -> None:
    """Show a label's earlier states, oldest first, and why each was replaced."""
    with session.open() as db:
        revisions = db.labels.revisions(label_id)
        now = db.labels.get(label_id)
    if session.json:
        print_json({"revisions": revisions, "now": now})
        return
    if revisions:
        table(REVISIONS, revisions)
    else:
        note("it was never corrected")
    verified = f", verified by {now.verified_by}" if now.is_verified else ""
    say(f"now: {now.label:g} (revision {now.revision}{verified})")


def _print(session: Session, label: LabelRecord) -> None:
    if session.json:
        print_json(label)
        return
    facts({name.replace("_", " "): value for name, value in label.to_dict().items()})
