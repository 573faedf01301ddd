"""`mlmcsc version checkout`: a folder with the data exactly as of a version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.exits import FINDING, OK
from mlmcsc.cli.output import attribute, counted, note, print_json, say, size, table
from mlmcsc.cli.progress import progress
from mlmcsc.cli.session import Session

if TYPE_CHECKING:
    from mlmcsc.domain.versions.checks import Checkout

SHOWN = 20
MISSING = (
    attribute("image_id", "image", right=True),
    attribute("path"),
    attribute("why"),
)


@click.command(
    "checkout",
    cls=Command,
    example="""
        version checkout v1.0 data/v1.0
        version checkout production data/now --images hardlink
        version checkout v1.1 data/v1 --overwrite --split train --split val
        version checkout v1.1 out/v1 --recipient "Uni X, contract 12"
    """,
)
@click.argument("version")
@click.argument("folder", type=click.Path(file_okay=False))
@click.option(
    "--images",
    type=click.Choice(["copy", "hardlink", "symlink", "none"]),
    default="copy",
    show_default=True,
    help="How image files get there; what is written through a link changes the original.",
)
@click.option(
    "--split",
    "splits",
    type=click.Choice(["train", "val", "test"]),
    multiple=True,
    help="Only this split; may be repeated.",
)
@click.option(
    "--names", is_flag=True, help="Give paths and annotations too, which may name people."
)
@click.option("--recipient", metavar="TEXT", help="To whom it goes; kept in the list of exports.")
@click.option("--overwrite", is_flag=True, help="Renew an earlier checkout in FOLDER.")
@click.option("--workers", type=click.IntRange(1, 256), metavar="N", help="Threads that copy.")
@click.pass_obj
def checkout(
    session: Session,
    version: str,
    folder: str,
    *,
    images: str,
    splits: tuple[str, ...],
    overwrite: bool,
    workers: int | None,
    names: bool,
    recipient: str | None,
) -> int:
    """Write labels, manifest and images of a version into FOLDER; every file is hashed.

    An image whose content is nowhere any more is listed in missing.csv, and the exit code is 1;
    nothing else is ever put in its place. The folder is listed by `version exports`.
    """
    with session.open() as db, progress() as report:
        made = db.version_checks.checkout(
            version,
            folder,
            images=images,
            overwrite=overwrite,
            splits=splits or None,
            workers=workers,
            names=names,
            recipient=recipient,
            progress=report,
        )
    if session.json:
        print_json(made)
    else:
        _show(made)
    return FINDING if made.missing else OK


def _show(made: Checkout) -> None:
    kept = f", {made.kept:,} kept from before" if made.kept else ""
    say(
        f"{made.version} in {made.path}: {counted(made.rows, 'row')}, "
        f"{counted(made.images, 'image')} ({size(made.bytes)}{kept}) in {made.seconds:.1f} s"
    )
    if made.redacted:
        note(f"{counted(made.redacted, 'record')} redacted: no label is left of them")
    if made.restricted:
        note(
            f"{counted(made.restricted, 'row')} left out: the processing of a person's data is "
            "restricted (GDPR Art. 18)"
        )
    if made.missing:
        title = f"{counted(len(made.missing), 'image')} missing; see missing.csv"
        table(MISSING, made.missing[:SHOWN], title)


commands = (checkout,)
