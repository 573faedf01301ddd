"""`mlmcsc images`: bring them in, find them, show them."""

from __future__ import annotations

import shutil
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import click

from mlmcsc.cli.command import Group
from mlmcsc.cli.exits import FINDING, OK, spelt_for_the_shell
from mlmcsc.cli.image_views import COLUMNS, STORED, show_image, show_ingest
from mlmcsc.cli.output import counted, note, print_json, say, table
from mlmcsc.cli.paging import given, listing, show_listing
from mlmcsc.cli.progress import progress
from mlmcsc.cli.rejected import write_rejected
from mlmcsc.cli.session import Session
from mlmcsc.cli.words import Moment, field_options
from mlmcsc.domain.tables import IMAGES
from mlmcsc.errors import MlmcscError

if TYPE_CHECKING:
    from mlmcsc.domain.results import StoredImage

Storage = Literal["in_place", "managed"]
METADATA = (
    "specimen_id",
    "magnification",
    "pixel_size_um",
    "detector",
    "accelerating_voltage_kv",
    "timestamp",
    "acquisition_settings",
    "quality_score",
    "is_valid",
)
storage_option = click.option(
    "--storage",
    type=click.Choice(["in_place", "managed"]),
    default="in_place",
    show_default=True,
    help="Leave files where they are, or copy them into the image store.",
)


@click.group("images", cls=Group)
def group() -> None:
    """Bring images in, find and show them."""


@group.command(
    "ingest",
    example=r"""
        images ingest photos/
        images ingest 'photos/**/*.tif' --specimen-from '(?P<specimen>SPEC_\d+)'
        images ingest photos/ --storage managed --errors-to errors.csv
    """,
)
@click.argument("source")
@click.option(
    "--recursive/--no-recursive", default=True, show_default=True, help="Search sub-folders."
)
@click.option(
    "--workers", type=click.IntRange(0), metavar="N", help="Processes that read files; 0: this one."
)
@click.option(
    "--specimen-from",
    metavar="REGEX",
    help="Find the specimen number in each path, by the group `specimen` or the first one; "
    "groups such as `temperature_c` and `magnification` count too.",
)
@storage_option
@click.option("--fail-fast", is_flag=True, help="Stop at the first file that cannot be stored.")
@click.option(
    "--errors-to",
    type=click.Path(dir_okay=False),
    metavar="FILE.csv",
    help="Write the files that could not be stored, with the reason.",
)
@field_options(IMAGES, *METADATA)
@click.pass_obj
def ingest(
    session: Session,
    source: str,
    *,
    recursive: bool,
    workers: int | None,
    specimen_from: str | None,
    storage: Storage,
    fail_fast: bool,
    errors_to: str | None,
    details: dict[str, Any],
) -> int:
    """Store every image file of SOURCE.

    SOURCE is a folder, a pattern (in quotes) or one file. Interrupted? Run it again: files that
    are stored and have not changed are passed over. Content that is stored under another path is
    recognised and not stored twice.

    Exits 1 when some files could not be stored.
    """
    with session.open() as db, progress() as report:
        result = db.images.ingest(
            source,
            recursive=recursive,
            workers=workers,
            specimen_from=specimen_from,
            storage=storage,
            on_error="raise" if fail_fast else "collect",
            progress=lambda done, total: report("Ingesting", done, total),
            **details,
        )
    if errors_to is not None:
        write_rejected(errors_to, result.errors, first="path")
        note(f"{counted(len(result.errors), 'error')} written to {errors_to}")
    if session.json:
        print_json(result)
    else:
        show_ingest(result, told_elsewhere=errors_to is not None)
    return FINDING if result.errors else OK


@group.command(
    "add",
    example="images add fracture.tif --specimen-id SPEC_001 --magnification 400",
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@storage_option
@field_options(IMAGES, *METADATA)
@click.pass_obj
def add(session: Session, files: tuple[str, ...], storage: Storage, details: dict[str, Any]) -> int:
    """Store single image FILEs; the options describe each of them."""
    stored: list[StoredImage] = []
    worst = OK
    with session.open() as db:
        for file in files:
            try:
                stored.append(db.images.add(file, storage=storage, **details))
            except MlmcscError as error:
                note(f"Error: {spelt_for_the_shell(str(error))}")
                worst = max(worst, error.exit_code)
    if session.json:
        print_json({"items": stored})
    elif stored:
        table(STORED, stored)
    return worst


@group.command(
    "list",
    example="""
        images list --specimen-id SPEC_001
        images list --unlabelled --min-quality 0.7 --limit 20
        images list --since 2026-11-01 --all --json
    """,
)
@click.option("--specimen-id", help="Of this specimen.")
@click.option("--path", help="The file at this path.")
@click.option("--format", "image_format", help="Of this format, e.g. tiff.")
@click.option("--valid/--invalid", "is_valid", default=None, help="Usable, or marked unusable.")
@click.option("--labelled/--unlabelled", default=None, help="With a label, or without.")
@click.option("--min-quality", type=float, help="Quality at least.")
@click.option("--max-quality", type=float, help="Quality at most.")
@click.option("--below-quality", type=float, help="Quality less than.")
@click.option(
    "--without",
    type=click.Choice(["specimen", "magnification", "pixel_size", "score"]),
    help="Of which this is not known.",
)
@click.option("--since", type=Moment(), help="Taken at or after; UTC unless it says otherwise.")
@click.option("--until", type=Moment(), help="Taken before.")
@listing
@click.pass_obj
def list_images(
    session: Session,
    /,
    *,
    image_format: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int | None,
    after_id: int,
    everything: bool,
    **filters: Any,
) -> None:
    """List images by id."""
    wanted = given(format=image_format, since=since, until=until, **filters)
    with session.open() as db:
        show_listing(
            session,
            lambda after, most: db.images.list(after_id=after, limit=most, **wanted),
            COLUMNS,
            limit=limit,
            after_id=after_id,
            everything=everything,
        )


@group.command("show", example="images show 17")
@click.argument("image_id", type=int)
@click.pass_obj
def show(session: Session, image_id: int) -> None:
    """Show one image: metadata and its sources, labels, predictions."""
    with session.open() as db:
        image = db.images.get(image_id)
        labels = db.labels.list(image_id)
        predictions = db.predictions.list(image_id)
        near = db.images.near_duplicates(image_id)
    if session.json:
        print_json(
            image.to_dict()
            | {
                "labels": labels.items,
                "predictions": predictions.items,
                "near_duplicates": [{"image_id": i, "distance_bits": d} for i, d in near],
            }
        )
    else:
        show_image(image, labels, predictions, near)


@group.command(
    "set", example="images set 17 --specimen-id SPEC_002 --reason 'wrong specimen typed in'"
)
@click.argument("image_id", type=int)
@field_options(IMAGES, *METADATA)
@click.pass_obj
def set_metadata(session: Session, image_id: int, details: dict[str, Any]) -> None:
    """Correct what is known of an image; an empty value removes it."""
    if not details:
        raise click.UsageError("say what to set, e.g. --magnification 400")
    with session.open() as db:
        image = db.images.update(image_id, **details)
    if session.json:
        print_json(image)
    else:
        show_image(image, (), (), ())


@group.command("thumbnail", example="images thumbnail 17 --size 512 --output fracture.jpg")
@click.argument("image_id", type=int)
@click.option("--size", type=int, help="Longer side in pixels, 16 to 4096.")
@click.option("--output", type=click.Path(dir_okay=False), help="Copy it to this file.")
@click.pass_obj
def thumbnail(session: Session, image_id: int, size: int | None, output: str | None) -> None:
    """Make a small JPEG of an image and say where it is."""
    with session.open() as db:
        path = str(db.images.thumbnail(image_id, size=size))
    if output is not None:
        path = shutil.copyfile(path, output)
    if session.json:
        print_json({"image_id": image_id, "path": path})
    else:
        say(path)
