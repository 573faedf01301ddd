"""`mlmcsc labels queue`: what to label next, and what is out with whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.output import Column, attribute, counted, note, print_json, say, table
from mlmcsc.cli.technician import find_technician

if TYPE_CHECKING:
    from mlmcsc.cli.session import Session
    from mlmcsc.domain.label_queue import HandedOut, HandOut
    from mlmcsc.manager import DatabaseManager

STRATEGIES = ("uncertainty", "disagreement", "diversity", "random", "overlap")


def _prediction(image: HandedOut) -> str:
    if not image.show_prediction:
        return "hidden"
    return "-" if image.prediction is None else f"{image.prediction:.4g}"


IMAGES = (
    attribute("image_id", "image", right=True),
    attribute("specimen_id", "specimen"),
    Column("prediction", _prediction, right=True),
    attribute("reserved_until", "reserved until (UTC)", whole=True, minor=True),
    attribute("path"),
)
OUT = (
    attribute("technician_id", "with"),
    attribute("image_id", "image", right=True),
    attribute("expires_at", "until (UTC)", whole=True),
    attribute("reserved_at", "since (UTC)", whole=True, minor=True),
    attribute("strategy", whole=True),
    attribute("purpose", whole=True),
    attribute("path", minor=True),
)


@click.command(
    "queue",
    cls=Command,
    example="""
        labels queue --technician tech_001 --strategy uncertainty --limit 20
        labels queue --technician tech_001 --release
        labels queue --status
    """,
)
@click.option("--technician", help="Who is to label: the staff number.")
@click.option("--technician-number", type=int, help="Who is to label: the id instead.")
@click.option(
    "--strategy",
    type=click.Choice(STRATEGIES),
    default="random",
    show_default=True,
    help="Which images come first.",
)
@click.option(
    "--limit", type=int, default=10, show_default=True, metavar="N", help="Images wanted."
)
@click.option("--feature-type", metavar="KIND", help="Features that diversity looks at.")
@click.option(
    "--raters",
    type=int,
    default=2,
    show_default=True,
    help="People who are to label an image, with overlap.",
)
@click.option("--seed", type=int, help="Of random choices.")
@click.option("--dry-run", is_flag=True, help="Show what would come; reserve nothing.")
@click.option("--release", is_flag=True, help="Give back what is out with the technician.")
@click.option("--status", is_flag=True, help="Show what is out with whom, and until when.")
@click.pass_obj
def queue(
    session: Session,
    *,
    technician: str | None,
    technician_number: int | None,
    strategy: str,
    limit: int,
    feature_type: str | None,
    raters: int,
    seed: int | None,
    dry_run: bool,
    release: bool,
    status: bool,
) -> None:
    """Hand images out to be labelled; nobody else gets them while they are reserved.

    What is out with the technician already comes first. Some images check the technician: they
    are not told apart, and their prediction is hidden, as it is for some of the others.
    """
    if release and status:
        raise click.UsageError("--release or --status: say one of them")
    with session.open() as db:
        if status:
            _show_status(session, db, technician, technician_number)
            return
        who = find_technician(db, technician, technician_number)
        if release:
            count = db.label_queue.release(who)
            if session.json:
                print_json({"released": count})
            else:
                say(f"{counted(count, 'image')} given back")
            return
        found = db.label_queue.next(
            who,
            n=limit,
            strategy=strategy,
            feature_type=feature_type,
            raters=raters,
            seed=seed,
            dry_run=dry_run,
        )
    _show(session, found)


def _show(session: Session, found: HandOut) -> None:
    if session.json:
        print_json(found)
        return
    if found.images:
        table(IMAGES, found.images)
    again = sum(image.again for image in found.images)
    if again:
        note(f"{counted(again, 'image')} of these were out with the technician already")
    if found.partial:
        note("only a part of the images was looked at: ask again, or with another --strategy")
    elif len(found.images) < found.wanted:
        note(f"there are no more than {counted(len(found.images), 'image')} to label this way")


def _show_status(
    session: Session, db: DatabaseManager, technician: str | None, number: int | None
) -> None:
    everybody = technician is None and number is None
    who = None if everybody else find_technician(db, technician, number)
    found = db.label_queue.status(who)
    if session.json:
        print_json({"reservations": found})
    elif found:
        table(OUT, found)
    else:
        say("nothing is out")
