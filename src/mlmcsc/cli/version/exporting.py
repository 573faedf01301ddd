"""`mlmcsc version export|exports`: a version in a form that others read, and who was given one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.output import Column, attribute, counted, note, print_json, say, size, table
from mlmcsc.cli.progress import progress
from mlmcsc.cli.session import Session

if TYPE_CHECKING:
    from mlmcsc.domain.versions.exports import DatasetExportReport

FORMATS = ("parquet", "csv", "jsonl", "coco", "yolo", "huggingface", "webdataset", "croissant")
SHOWN = 20
"""Missing files that are named."""
MEGABYTE = 1_000_000

COLUMNS = (
    attribute("id", right=True, minor=True),
    Column("when (UTC)", lambda each: each.exported_at.date(), whole=True),
    attribute("version", whole=True),
    attribute("format", whole=True),
    attribute("recipient"),
    attribute("path", "where"),
    attribute("n_rows", "images", right=True, minor=True),
    attribute("with_people", "people?", whole=True, minor=True),
    attribute("exported_by", "by (subject id)", minor=True),
)


@click.command(
    "export",
    cls=Command,
    example="""
        version export v1.0 out/v1 --format parquet
        version export v1.0 out/yolo --format yolo --boxes either
        version export production out/hf --format huggingface --recipient "Uni X, contract 12"
    """,
)
@click.argument("version")
@click.argument("target", type=click.Path(file_okay=False))
@click.option(
    "--format",
    "format",
    type=click.Choice(FORMATS),
    required=True,
    help="In which form.",
)
@click.option(
    "--images",
    type=click.Choice(("copy", "hardlink", "none", "path")),
    help="What becomes of the image files; left out, what suits the format. `path` tells where "
    "they are on this machine.",
)
@click.option("--splits", metavar="LIST", help="Of train, val and test, separated by commas.")
@click.option(
    "--people",
    is_flag=True,
    help="Tell who labelled what, by random codes that hold in this export only.",
)
@click.option("--recipient", metavar="TEXT", help="To whom it goes; kept in the list of exports.")
@click.option(
    "--boxes",
    type=click.Choice(("people", "model", "either")),
    default="people",
    show_default=True,
    help="Whose bounding boxes: COCO and YOLO.",
)
@click.option(
    "--missing",
    type=click.Choice(("error", "skip")),
    default="error",
    show_default=True,
    help="What to do when an image file is missing or changed.",
)
@click.option(
    "--shard-size",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    metavar="MB",
    help="WebDataset: about how large a tar file may be.",
)
@click.option("--overwrite", is_flag=True, help="Replace an export that is as it was written.")
@click.pass_obj
def export(
    session: Session,
    /,
    *,
    version: str,
    target: str,
    splits: str | None,
    shard_size: int,
    **options: Any,
) -> None:
    """Write VERSION to the new folder TARGET, for other programs and other people.

    Redacted rows, and those of people whose data are restricted, are left out and counted. Each
    file is listed with its hash in SHA256SUMS (`sha256sum -c SHA256SUMS`).
    """
    with session.open() as db, progress() as report:
        result = db.dataset_exports.export(
            version,
            target,
            splits=None if splits is None else splits.split(","),
            shard_bytes=shard_size * MEGABYTE,
            progress=lambda done, total: report("Exporting", done, total),
            **options,
        )
    if session.json:
        print_json(result)
    else:
        _show(result)


def _show(result: DatasetExportReport) -> None:
    made = result.export
    splits = ", ".join(f"{count:,} {split}" for split, count in result.splits.items())
    images = counted(made.n_rows, "image")
    say(f"{images} of {made.version} ({splits}) written to {made.path} as {made.format}")
    say(f"{size(made.n_bytes)}; SHA-256 of SHA256SUMS: {made.sha256}")
    if result.n_boxes or result.without_boxes:
        without = counted(result.without_boxes, "image")
        say(f"{counted(result.n_boxes, 'box', 'boxes')}; {without} without")
    for reason, count in result.left_out.items():
        note(f"left out: {counted(count, 'image')}: {reason}")
    for each in result.missing[:SHOWN]:
        note(f"image {each.image_id}: {each.why}")
    if result.unverified:
        note(f"{counted(result.unverified, 'image')} copied whose hash was never taken")


@click.command(
    "exports",
    cls=Command,
    example="""
        version exports
        version exports v1.0 --json
    """,
)
@click.argument("version", required=False)
@click.pass_obj
def exports(session: Session, version: str | None) -> None:
    """List what was exported, when, by whom and for whom; of VERSION or of all."""
    with session.open() as db:
        found = db.dataset_exports.list(version)
    if session.json:
        print_json(found)
    else:
        table(COLUMNS, found)


commands = (export, exports)
