"""`mlmcsc training`: splits and feature matrices."""

from __future__ import annotations

import functools
import statistics
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from mlmcsc.cli.command import Group
from mlmcsc.cli.output import Column, counted, note, print_json, say, table
from mlmcsc.cli.session import Session
from mlmcsc.cli.training_files import refuse_existing, write_features, write_splits

if TYPE_CHECKING:
    from mlmcsc.domain.training import TrainingData

F = TypeVar("F", bound=Callable[..., Any])


@click.group("training", cls=Group)
def group() -> None:
    """Splits and feature matrices for training."""


def selection(command: F) -> F:
    """The options that say which images are dealt out, and how."""
    share = functools.partial(click.option, type=float, show_default=True)
    for option in (
        share("--train", "train_split", default=0.7, help="Share to train on."),
        share("--val", "val_split", default=0.15, help="Share to validate on."),
        share("--test", "test_split", default=0.15, help="Share to test on."),
        click.option("--verified-only", is_flag=True, help="Use verified labels only."),
        click.option(
            "--min-confidence", type=float, help="Of the prediction stored last, at least."
        ),
        click.option("--data-version", help="A frozen version; not in this release (Part 3)."),
        click.option("--extractor-version", help="May be left out when only one is stored."),
        click.option(
            "--group-by",
            type=click.Choice(["specimen", "image"]),
            default="specimen",
            show_default=True,
            help="What stays together in one split.",
        ),
        click.option(
            "--stratify/--no-stratify",
            default=True,
            show_default=True,
            help="Spread the labels evenly over the splits.",
        ),
        click.option(
            "--seed", type=int, default=0, show_default=True, help="Another seed, another deal."
        ),
        click.option(
            "--label-policy",
            type=click.Choice(["latest", "mean", "consensus", "verified"]),
            default="latest",
            show_default=True,
            help="Which of an image's labels counts; latest is the one stored last (highest id).",
        ),
    ):
        command = option(command)
    return command


overwrite = click.option("--overwrite", "replace", is_flag=True, help="Replace FILE if it exists.")


@group.command(
    "split",
    example="""
        training split
        training split --train 0.8 --val 0.1 --test 0.1 --seed 7 --output splits.csv
        training split --label-policy mean --feature-type cnn --json
    """,
)
@selection
@click.option("--feature-type", help="Only images with a vector of this type.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write them: .csv (split, image_id, label) or .json.",
)
@overwrite
@click.pass_obj
def split(session: Session, /, *, output: str | None, replace: bool, **asked: Any) -> None:
    """Deal the labelled images out to train, val and test, without leaks.

    Images of one specimen, and images that look the same, are in one split. The same database
    and seed give the same splits; later images, labels and corrections move no image. Naming
    the specimen of a labelled image afterwards may.
    """
    if output is not None:
        refuse_existing(output, replace=replace)
    with session.open() as db:
        data = db.training.splits(**asked)
    if output is not None:
        write_splits(output, data)
        note(f"written to {output}")
    if session.json:
        print_json({**data, "report": data.report})
    else:
        _show(data)


@group.command(
    "features",
    example="""
        training features --type cnn --output train.npz
        training features --type cnn --extractor-version 2.1 --missing nan --output train.npz
    """,
)
@selection
@click.option("--type", "feature_type", required=True, help="Kind of feature.")
@click.option(
    "--missing",
    type=click.Choice(["error", "nan", "drop"]),
    default="drop",
    show_default=True,
    help="Images without a vector: refuse them, give them rows of NaN, or leave them out.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False),
    required=True,
    metavar="FILE.npz",
    help="NumPy archive to write.",
)
@overwrite
@click.pass_obj
def features(
    session: Session,
    /,
    *,
    feature_type: str,
    extractor_version: str | None,
    missing: Literal["error", "nan", "drop"],
    output: str,
    replace: bool,
    **asked: Any,
) -> None:
    """Write ids, labels and feature vectors of every split to one NumPy file.

    The file holds `train_ids` (N,), `train_labels` (N,) and `train_features` (N, D) float32, and
    the same for val and test; row i belongs to id i, whatever `--missing` says.
    """
    refuse_existing(output, replace=replace)
    if missing == "drop":  # ids and vectors alike, so that rows still match
        asked |= {"feature_type": feature_type, "extractor_version": extractor_version}
    with session.open() as db:
        data = db.training.splits(**asked)
        vectors = {
            name: db.feature_reads.for_training(
                [image_id for image_id, _ in pairs],
                feature_type,
                extractor_version,
                "nan" if missing == "nan" else "error",
            )
            for name, pairs in data.items()
        }
    write_features(output, data, vectors)
    if session.json:
        shapes = {name: list(matrix.shape) for name, matrix in vectors.items()}
        print_json({"output": output, "shapes": shapes, "report": data.report})
    else:
        _show(data)
        say(f"written to {output}")


def _show(data: TrainingData) -> None:
    report = data.report
    table(SPLITS, [(name, pairs, report.groups[name]) for name, pairs in data.items()])
    say(
        f"{report.used:,} of {counted(report.labelled_images, 'labelled image')}, "
        f"label policy {report.label_policy}, seed {report.seed}"
    )
    if report.near_duplicate_links:
        say(f"{counted(report.near_duplicate_links, 'look-alike pair')} kept together")
    if report.restricted_labels:
        say(f"{counted(report.restricted_labels, 'label')} of restricted people set aside")
    for reason, count in report.left_out.items():
        say(f"{count:,} left out: {reason}")


def _statistic(of: Callable[[list[float]], float]) -> Callable[[Any], str | None]:
    def cell(row: tuple[str, list[tuple[int, float]], int]) -> str | None:
        values = [label for _, label in row[1]]
        return f"{of(values):.3f}" if values else None

    return cell


SPLITS = (
    Column("split", lambda row: row[0]),
    Column("images", lambda row: f"{len(row[1]):,}", right=True),
    Column("groups", lambda row: f"{row[2]:,}", right=True),
    Column("label mean", _statistic(statistics.fmean), right=True),
    Column("sd", _statistic(statistics.pstdev), right=True),
    Column("min", _statistic(min), right=True),
    Column("max", _statistic(max), right=True),
)
