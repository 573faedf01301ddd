"""`mlmcsc version create`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.output import Column, counted, note, print_json, say, size, table
from mlmcsc.cli.progress import progress
from mlmcsc.cli.session import Session
from mlmcsc.cli.training import dealing
from mlmcsc.cli.words import Moment

if TYPE_CHECKING:
    from mlmcsc.domain.versions.reports import CreatedVersion

F = TypeVar("F", bound=Callable[..., Any])

NO_FEATURES = "none"


def narrowing(command: F) -> F:
    """The options that narrow the images, beside those of `training split`."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


OPTIONS = (
    click.option(
        "--specimen",
        "specimen_ids",
        multiple=True,
        metavar="NUMBER",
        help="Only images of this specimen; may stand several times.",
    ),
    click.option("--material", help="Only of this material."),
    click.option("--heat", help="Only of this heat."),
    click.option("--min-quality", type=float, help="Least image quality, 0 to 1."),
    click.option("--since", type=Moment(), metavar="TIME", help="Taken at or after."),
    click.option("--until", type=Moment(), metavar="TIME", help="Taken before."),
    click.option("--feature-type", help="Only images with a vector of this type."),
    click.option("--model-version-id", type=int, help="Model that --min-confidence is about."),
    click.option(
        "--features",
        multiple=True,
        metavar="TYPE[:EXTRACTOR]",
        help="Feature set to hold; may stand several times. Left out: all; `none`: none.",
    ),
)


@click.command(
    "create",
    cls=Command,
    example="""
        version create "v1.0" --description "Initial dataset"
        version create v1.1 --label-policy consensus --seed 7 --tag production
        version create steel-a --material S355 --min-quality 0.5 --features cnn:2.1 --dry-run
    """,
)
@click.argument("version")
@click.option("--name", help="What people call it; else the version's name.")
@click.option("--description", help="What it is for.")
@click.option("--tag", "tags", multiple=True, help="Tag that shall point to it; may be repeated.")
@click.option("--dry-run", is_flag=True, help="Say what it would hold; write nothing.")
@dealing
@narrowing
@click.pass_obj
def create(
    session: Session,
    /,
    *,
    version: str,
    name: str | None,
    description: str | None,
    dry_run: bool,
    **asked: Any,
) -> None:
    """Freeze the labelled images as they are now: values, splits, boxes, features.

    A version never changes, whatever is relabelled or deleted later. Rows that are as in the
    version before are shared with it, so a version costs what changed. The same command again
    changes nothing.
    """
    choice = asked | {
        "specimen_ids": list(asked["specimen_ids"]) or None,
        "features": _features(asked["features"]),
    }
    with session.open() as db, progress() as report:
        made = db.versions.create(
            version, name, description, progress=report, dry_run=dry_run, **choice
        )
    if session.json:
        print_json(made)
    else:
        _show(made, dry_run=dry_run)


commands = (create,)


def _features(words: tuple[str, ...]) -> list[Any] | None:
    if not words:
        return None
    if NO_FEATURES in words:
        if len(words) > 1:
            raise click.UsageError("--features none: no other set may be named beside it")
        return []
    pairs = (word.partition(":") for word in words)
    return [(kind, extractor) if extractor else kind for kind, _, extractor in pairs]


def _show(made: CreatedVersion, *, dry_run: bool) -> None:
    table(SPLITS, [(name, count, made) for name, count in made.splits.items()])
    total = counted(sum(made.splits.values()), "image")
    labels, policy = counted(made.labels, "label"), made.report.label_policy
    say(f"{total}, {labels}, label policy {policy}, seed {made.report.seed}")
    for each in made.features:
        vectors = counted(each.n_vectors, "vector")
        say(f"features {each.feature_type} {each.extractor_version}: {vectors}")
    if made.parent is not None:
        say(
            f"against {made.parent}: {made.new:,} new, {made.changed:,} changed, "
            f"{made.gone:,} gone, {made.same:,} shared"
        )
    if made.report.restricted_labels:
        told = counted(made.report.restricted_labels, "label")
        say(f"{told} of restricted people set aside")
    for reason, count in made.report.left_out.items():
        say(f"{count:,} left out: {reason}")
    if not made.report.labelled_images:
        note("there are no labelled images yet: the version is empty")
    elif made.empty_splits:
        note(f"without an image: {', '.join(made.empty_splits)}")
    if made.new_base is not None:
        note(f"all rows are stored anew, for the version before is damaged: {made.new_base}")
    if dry_run:
        say(f"dry run: {made.version} was not made")
    elif made.created:
        say(f"{made.version} is version {made.id}, {size(made.bytes_written)} stored")
        say(f"root {made.root}")
    else:
        say(f"{made.version} is there already, the same: version {made.id}")


SPLITS = (
    Column("split", lambda row: row[0]),
    Column("images", lambda row: f"{row[1]:,}", right=True),
    Column("groups", lambda row: f"{row[2].report.groups[row[0]]:,}", right=True),
)
