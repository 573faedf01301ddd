"""`mlmcsc features`: stored feature vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mlmcsc.cli.command import Group
from mlmcsc.cli.exits import FINDING, OK
from mlmcsc.cli.features_similar import duplicates, similar
from mlmcsc.cli.output import Column, attribute, note, print_json, table
from mlmcsc.cli.paging import given, listing, show_listing
from mlmcsc.cli.session import Session

if TYPE_CHECKING:
    from mlmcsc.domain.records import FeatureRecord

SETS = (
    attribute("feature_type", "type"),
    attribute("extractor_version", "extractor"),
    attribute("feature_dimension", "dimension", right=True),
    attribute("dtype", "kept as"),
    Column("images", lambda s: f"{s.n_vectors:,}", right=True),
)
COLUMNS = (
    attribute("id", right=True),
    attribute("image_id", "image", right=True),
    attribute("feature_type", "type"),
    attribute("extractor_version", "extractor"),
    attribute("feature_dimension", "dimension", right=True),
    attribute("extraction_time", "seconds", right=True, minor=True),
    attribute("extraction_timestamp", "extracted (UTC)", whole=True),
)
SHOWN = 6


def _beginning(feature: FeatureRecord) -> str:
    numbers = ", ".join(f"{x:.4g}" for x in feature.vector[:SHOWN])
    return numbers + (", …" if len(feature.vector) > SHOWN else "")


STATISTICS = (
    Column("min", lambda f: float(f.vector.min()), right=True),
    Column("mean", lambda f: float(f.vector.mean()), right=True),
    Column("max", lambda f: float(f.vector.max()), right=True),
    Column("begins with", _beginning),
)


@click.group("features", cls=Group)
def group() -> None:
    """Stored feature vectors."""


group.add_command(similar)
group.add_command(duplicates)


@group.command("sets", example="features sets")
@click.pass_obj
def sets(session: Session) -> None:
    """Say which kinds of feature there are, by which extractor, for how many images."""
    with session.open() as db:
        found = db.features.sets()
    if session.json:
        print_json({"items": found})
    elif found:
        table(SETS, found)
    else:
        note("there are no features")


@group.command("list", example="features list --type cnn --limit 20")
@click.option("--image", "image_id", type=int, help="Of this image.")
@click.option("--type", "feature_type", help="Of this type.")
@click.option("--extractor-version", help="By this extractor.")
@listing
@click.pass_obj
def list_features(
    session: Session,
    /,
    *,
    image_id: int | None,
    limit: int | None,
    after_id: int,
    everything: bool,
    **filters: Any,
) -> None:
    """List feature vectors by id; with --json the numbers too."""
    wanted = given(**filters)
    with session.open() as db:
        show_listing(
            session,
            lambda after, most: db.features.list(image_id, after_id=after, limit=most, **wanted),
            COLUMNS,
            limit=limit,
            after_id=after_id,
            everything=everything,
        )


@group.command("show", example="features show 17 --type cnn --json")
@click.argument("image_id", type=int)
@click.option("--type", "feature_type", help="Of this type.")
@click.option("--extractor-version", help="By this extractor.")
@click.pass_obj
def show(session: Session, /, image_id: int, **filters: Any) -> int:
    """Show the vectors of the image IMAGE_ID; exits 1 when it has none."""
    with session.open() as db:
        found = db.features.list(image_id, **given(**filters))
    if session.json:
        print_json({"items": found.items})
    elif found:
        table((*COLUMNS[2:5], *STATISTICS), found)
    else:
        note(f"image {image_id} has no such features")
    return OK if found else FINDING
