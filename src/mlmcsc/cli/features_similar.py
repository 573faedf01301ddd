"""`mlmcsc features similar` and `features duplicates`: images that are alike."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.exits import FINDING, OK
from mlmcsc.cli.features_similar_files import (
    read_vector,
    refuse_other_than_csv,
    write_duplicates,
)
from mlmcsc.cli.output import Column, attribute, counted, note, print_json, table
from mlmcsc.cli.paging import given
from mlmcsc.cli.progress import progress
from mlmcsc.cli.session import Session
from mlmcsc.cli.training_files import refuse_existing
from mlmcsc.cli.words import Moment

if TYPE_CHECKING:
    from mlmcsc.domain.similarity import DuplicateGroup, DuplicateReport, SimilarResult
    from mlmcsc.manager import DatabaseManager

SIMILAR = (
    attribute("distance", right=True),
    attribute("image_id", "image", right=True),
    attribute("path"),
    attribute("specimen_id", "specimen"),
    attribute("label", right=True),
)
DUPLICATES = (
    attribute("image_id", "image", right=True),
    Column("file", lambda image: PurePath(image.path).name),
    attribute("specimen_id", "specimen"),
    Column("label", lambda image: _short(image.label), right=True),
    attribute("bits", right=True),
    Column("distance", lambda image: _short(image.distance), right=True, minor=True),
)
SPLIT = attribute("split", whole=True)
FILTERS = (
    "specimen_id",
    "is_valid",
    "min_quality",
    "labelled",
    "min_label",
    "max_label",
    "since",
    "until",
)

kind = click.option("--type", "feature_type", help="Features of this type.")
extractor = click.option("--extractor-version", help="May be left out when only one is stored.")
version = click.option("--data-version", help="Of this frozen version (or tag), as it was.")
overwrite = click.option("--overwrite", "replace", is_flag=True, help="Replace FILE if it exists.")


@click.command(
    "similar",
    cls=Command,
    example="""
        features similar 17 --k 5
        features similar photos/a.tif --type cnn --labelled --contact-sheet alike.jpg
        features similar vector.npy --type cnn --metric l2 --json
    """,
)
@click.argument("image")
@click.option("--k", type=int, default=10, show_default=True, help="How many.")
@kind
@extractor
@click.option(
    "--metric",
    type=click.Choice(["cosine", "l2", "dot"]),
    default="cosine",
    show_default=True,
    help="How distance is measured.",
)
@click.option("--specimen-id", help="Only images of this specimen.")
@click.option("--valid/--invalid", "is_valid", default=None, help="Only images marked so.")
@click.option("--min-quality", type=float, help="Only images of at least this quality.")
@click.option("--labelled/--unlabelled", default=None, help="Only images with or without label.")
@click.option("--min-label", type=float, help="Only images whose label is at least this.")
@click.option("--max-label", type=float, help="Only images whose label is at most this.")
@click.option("--since", type=Moment(), help="Only images taken at or after.")
@click.option("--until", type=Moment(), help="Only images taken before.")
@click.option("--approximate", is_flag=True, help="Search an index; its recall is told.")
@version
@click.option(
    "--contact-sheet",
    "sheet",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write the pictures side by side: .jpg or .png.",
)
@overwrite
@click.pass_obj
def similar(
    session: Session,
    /,
    *,
    image: str,
    sheet: str | None,
    replace: bool,
    **asked: float | str | bool | datetime | None,
) -> int:
    """Show the images most like IMAGE, nearest first; exits 1 when there are none.

    IMAGE is the id or the path of a stored image, or a .npy file with a vector; --type may be left
    out when the vectors of only one set have as many numbers.
    """
    if sheet is not None:
        refuse_existing(sheet, replace=replace)
    where = given(**{name: asked.pop(name) for name in FILTERS})
    with session.open() as db, progress() as report:
        own, result = _search(db, image, {**asked, "where": where, "progress": report})
        if sheet is not None and len(result):
            db.similarity.contact_sheet(result, sheet, image=own)
            note(f"written to {sheet}")
    if session.json:
        print_json(result)
    else:
        _show(result)
    return OK if len(result) else FINDING


def _search(
    db: DatabaseManager, image: str, asked: dict[str, Any]
) -> tuple[int | None, SimilarResult]:
    """The image that was meant, if it was one, and what is like it."""
    if not image.lower().endswith(".npy"):
        own = db.similarity.image_id(int(image) if image.isdecimal() else image)
        return own, db.similarity.similar(own, **asked)
    return None, db.similarity.search(read_vector(image), **asked)


def _show(result: SimilarResult) -> None:
    if len(result):
        table(SIMILAR, result)
    else:
        note("no image fits")
    among = f"{result.feature_type} {result.extractor_version}, {result.metric}"
    how = "exact" if result.recall is None else f"approximate, recall {result.recall:.1%}"
    note(f"{among}, {how}, of {counted(result.searched, 'vector')}")
    if result.no_direction:
        note(f"left out: {counted(result.no_direction, 'zero vector')}, which have no cosine")


@click.command(
    "duplicates",
    cls=Command,
    example="""
        features duplicates
        features duplicates --type cnn --max-distance 0.01 --output duplicates.csv
        features duplicates --data-version v1 --json
    """,
)
@kind
@extractor
@click.option(
    "--max-distance",
    type=float,
    default=0.02,
    show_default=True,
    help="Features at most so far apart (1 minus cosine) are the same.",
)
@click.option(
    "--perceptual/--no-perceptual",
    default=True,
    show_default=True,
    help="Whether close fingerprints are the same.",
)
@click.option("--approximate", is_flag=True, help="Compare each image with its nearest only.")
@click.option(
    "--label-tolerance", type=float, help="Labels further apart disagree.  [5 % of their range]"
)
@version
@click.option(
    "--output",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write one line for each image: .csv.",
)
@overwrite
@click.pass_obj
def duplicates(session: Session, /, *, output: str | None, replace: bool, **asked: Any) -> int:
    """Find images that look the same; exits 1 when there are any.

    Fingerprints are compared unless --no-perceptual, features with --type. `bits` (of 256) and
    `distance` tell how far an image is from the first of its group; --output and --json give the
    whole path of each file.
    """
    if output is not None:
        refuse_other_than_csv(output)
        refuse_existing(output, replace=replace)
    with session.open() as db, progress() as report:
        found = db.similarity.duplicates(**asked, progress=report)
    if output is not None:
        write_duplicates(output, found)
        note(f"written to {output}")
    if session.json:
        print_json(found)
    else:
        _show_duplicates(found, fingerprints=asked["perceptual"])
    return FINDING if found.groups else OK


def _short(number: float | None) -> str | None:
    return None if number is None else f"{number:.4g}"


def _show_duplicates(report: DuplicateReport, *, fingerprints: bool) -> None:
    """A table for each group: a line for each image, below what is to be said of all of them."""
    columns = DUPLICATES if report.data_version is None else (*DUPLICATES, SPLIT)
    for number, group in enumerate(report.groups, 1):
        table(columns, group.images, f"group {number}: {', '.join(_remarks(group))}")
    images = sum(len(group.images) for group in report.groups)
    note(f"{counted(len(report.groups), 'group')} of {counted(images, 'image')}")
    note(f"compared: {' and '.join(_compared(report, fingerprints=fingerprints))}")
    if report.feature_type is None:
        note("features were not compared; add --type")
    for text, count in (
        ("disagree in their labels", sum(g.labels_disagree for g in report.groups)),
        ("straddle the splits", sum(bool(g.straddles) for g in report.groups)),
    ):
        if count:
            note(f"{counted(count, 'group')}: {text}")


def _compared(report: DuplicateReport, *, fingerprints: bool) -> Iterator[str]:
    if fingerprints:
        yield "fingerprints"
    if report.feature_type is not None:
        how = "" if report.exact else " with the nearest of each"
        kind = f"{report.feature_type} {report.extractor_version}"
        yield f"{counted(report.compared, 'vector')} of {kind}{how}"


def _remarks(group: DuplicateGroup) -> Iterator[str]:
    yield " + ".join(group.found_by)
    if group.labels_disagree:
        yield f"labels differ by {group.label_spread:.4g}"
    if group.straddles:
        yield "in several splits"
    if len(group.specimens) > 1:
        yield f"{len(group.specimens)} specimens"
