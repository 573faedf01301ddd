"""`mlmcsc labels consensus`: one label of what several people measured."""

from __future__ import annotations

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.output import counted, facts, note, print_json, say
from mlmcsc.cli.progress import progress
from mlmcsc.cli.session import Session


@click.command(
    "consensus",
    cls=Command,
    example="""
        labels consensus --all --dry-run
        labels consensus --all
        labels consensus --image 17 --image 18 --min-raters 3
    """,
)
@click.option("--image", "images", type=int, multiple=True, metavar="ID", help="Of this image.")
@click.option("--all", "everything", is_flag=True, help="Of all that enough people measured.")
@click.option(
    "--min-raters",
    type=click.IntRange(2),
    default=2,
    show_default=True,
    metavar="N",
    help="People who must have measured an image.",
)
@click.option("--assisted", is_flag=True, help="Also count labels made with a prediction shown.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.pass_obj
def consensus(
    session: Session,
    *,
    images: tuple[int, ...],
    everything: bool,
    min_raters: int,
    assisted: bool,
    dry_run: bool,
) -> None:
    """Store the weighted consensus of people's labels as a label of its own.

    People are weighted by how reliable their labels are, their bias is taken off, and the
    standard uncertainty is stored with the value. What still stands is left alone; what changed
    is corrected, with its earlier value kept.
    """
    if bool(images) == everything:
        raise click.UsageError("say of which images: --image ID (again for more), or --all")
    with session.open() as db, progress() as tell:
        done = db.consensus.create(
            images or None,
            min_raters=min_raters,
            assisted=assisted,
            dry_run=dry_run,
            progress=tell,
        )
    if session.json:
        print_json(done)
        return
    if not (done.created or done.corrected or done.unchanged or done.withdrawn or done.kept):
        shown = "" if assisted else " without a prediction shown"
        note(
            f"no image was measured by {min_raters} people{shown}; give some "
            "out with: mlmcsc labels queue --strategy overlap --technician STAFF_NUMBER"
        )
        if done.too_few:
            note(f"measured by too few people: {counted(done.too_few, 'image')}")
    else:
        facts(
            {
                "new": f"{done.created:,}",
                "corrected": f"{done.corrected:,}",
                "unchanged": f"{done.unchanged:,}",
                "kept, made with other options": f"{done.kept:,}" if done.kept else None,
                "deleted, their labels gone or changed": f"{done.withdrawn:,}"
                if done.withdrawn
                else None,
                "kept under a legal hold": f"{done.held:,}" if done.held else None,
                "images measured by too few people": f"{done.too_few:,}",
            }
        )
    if done.restricted_labels:
        note(f"left out, restricted: {counted(done.restricted_labels, 'label')}")
    if dry_run:
        say("nothing was written (--dry-run)")
