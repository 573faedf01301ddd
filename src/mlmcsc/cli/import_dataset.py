"""`mlmcsc import dataset`: a dataset of another program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.exits import FINDING, OK
from mlmcsc.cli.output import attribute, counted, facts, note, print_json, say, table
from mlmcsc.cli.progress import progress
from mlmcsc.cli.session import Session

if TYPE_CHECKING:
    from mlmcsc.domain.foreign_datasets import DatasetImportReport

MOST_SHOWN = 20
REJECTED = (attribute("where", whole=True), attribute("reason"))


@click.command(
    "import dataset",
    cls=Command,
    example="""
        import dataset charpy/ --technician tech_001 --label-column SFA --scale 0.01
        import dataset charpy/ --format coco --technician tech_001 --dry-run
    """,
)
@click.argument("folder", type=click.Path())
@click.option(
    "--format",
    "kind",
    type=click.Choice(["coco", "yolo", "huggingface", "webdataset", "parquet", "csv", "jsonl"]),
    help="Left out, the files tell.",
)
@click.option("--technician", metavar="ID", help="Staff number of whose labels these are.")
@click.option("--technician-number", type=int, metavar="ID", help="The same, by database id.")
@click.option(
    "--label-column",
    default="label",
    show_default=True,
    help="Column, attribute or JSON key of the measured value.",
)
@click.option(
    "--scale", type=float, default=1.0, help="Multiplies the value: 0.01 makes shares of per cent."
)
@click.option(
    "--rejected",
    "rejected_to",
    type=click.Path(dir_okay=False),
    metavar="FILE.csv",
    help="Where refused images go, with the reason; by default FOLDER.rejected.csv.",
)
@click.option("--dry-run", is_flag=True, help="Only check, and say what would happen.")
@click.pass_obj
def dataset(
    session: Session,
    /,
    *,
    folder: str,
    kind: Any,
    technician: str | None,
    technician_number: int | None,
    **options: Any,
) -> int:
    """Store the images of a dataset, its boxes, and one technician's label for each image.

    FOLDER holds COCO, YOLO, a Hugging Face image folder, WebDataset tars, or what `version export`
    wrote as Parquet, CSV or JSON Lines, with its images. The dataset's own
    splits are told and kept with the labels, but ours do not follow them. Exits 1 when some
    images were refused.
    """
    if (technician is None) == (technician_number is None):
        raise click.UsageError(
            "say whose labels these are: --technician STAFF, or --technician-number ID"
        )
    who = technician if technician is not None else int(technician_number or 0)
    with session.open() as db, progress() as report:
        told = db.dataset_imports.import_dataset(
            folder,
            kind,
            technician=who,
            progress=lambda done, total: report("Importing", done, total),
            **options,
        )
    if session.json:
        print_json(told)
    else:
        _show(told)
    return FINDING if told.rejected_count else OK


def _show(told: DatasetImportReport) -> None:
    splits = ", ".join(f"{name} {size:,}" for name, size in told.splits.items())
    facts(
        {
            "dataset": f"{told.path} ({told.format})",
            "read": counted(told.read, "image"),
            "would be stored" if told.dry_run else "stored": counted(told.stored, "label")
            + (f", {counted(told.boxes, 'box', 'boxes')}" if told.boxes else ""),
            "new images": None if told.dry_run else f"{told.images_stored:,}",
            "unchanged": None
            if told.dry_run
            else counted(told.unchanged, "label") + " stored before",
            "refused": counted(told.rejected_count, "image"),
            "its own splits": splits or None,
            "seconds": f"{told.seconds:.1f}",
        }
    )
    for each in told.notes:
        note(f"note: {each}")
    if told.rejected:
        table(REJECTED, told.rejected[:MOST_SHOWN], "Refused")
        say(f"all of them, with the reason: {told.rejected_file}")
