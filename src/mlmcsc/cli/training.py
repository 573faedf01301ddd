"""`mlmcsc training`: splits and feature matrices."""

from __future__ import annotations

import dataclasses
import functools
import statistics
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from mlmcsc.cli.command import Group
from mlmcsc.cli.output import Column, counted, note, print_json, say, table
from mlmcsc.cli.session import Session
from mlmcsc.cli.training_files import refuse_existing, write_features, write_splits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mlmcsc import DatabaseManager
    from mlmcsc.domain.training import TrainingData

    Vectors = dict[str, NDArray[np.float32]]

Missing = Literal["error", "nan", "drop"]
F = TypeVar("F", bound=Callable[..., Any])


@click.group("training", cls=Group)
def group() -> None:
    """Splits and feature matrices for training."""


def selection(command: F) -> F:
    """The options that say which images are dealt out, and how, or which version did."""
    data_version = click.option("--data-version", help="The splits of this frozen version, or tag.")
    return dealing(data_version(command))


def dealing(command: F) -> F:
    """The options that say which images are chosen, and how they are split."""
    share = functools.partial(click.option, type=float, show_default=True)
    options = (
        share("--train", "train_split", default=0.7, help="Share to train on."),
        share("--val", "val_split", default=0.15, help="Share to validate on."),
        share("--test", "test_split", default=0.15, help="Share to test on."),
        click.option("--verified-only", is_flag=True, help="Use verified labels only."),
        click.option(
            "--min-confidence", type=float, help="Of the prediction stored last, at least."
        ),
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
            "--seed",
            type=int,
            default=0,
            show_default=True,
            help="Another number gives other splits.",
        ),
        click.option(
            "--label-policy",
            type=click.Choice(["latest", "mean", "consensus", "verified"]),
            default="latest",
            show_default=True,
            help="Which of an image's labels counts; latest is the one stored last (highest id).",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


overwrite = click.option("--overwrite", "replace", is_flag=True, help="Replace FILE if it exists.")


@group.command(
    "split",
    example="""
        training split
        training split --train 0.8 --val 0.1 --test 0.1 --seed 7 --output splits.csv
        training split --label-policy mean --type cnn --json
        training split --data-version v1.0 --output splits.csv
    """,
)
@selection
@click.option("--type", "--feature-type", "feature_type", help="Only images with such a vector.")
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
        training features --type cnn --data-version v1.0 --output train.npz
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
    missing: Missing,
    output: str,
    replace: bool,
    **asked: Any,
) -> None:
    """Write ids, labels and feature vectors of every split to one NumPy file.

    The file holds `train_ids` (N,), `train_labels` (N,) and `train_features` (N, D) float32, and
    the same for val and test; row i belongs to id i, whatever `--missing` says.
    """
    refuse_existing(output, replace=replace)
    wanted = feature_type, extractor_version
    with session.open() as db:
        if asked["data_version"] is not None:
            data, vectors = _frozen(db, *wanted, missing, asked)
        else:
            data, vectors = _live(db, *wanted, missing, asked)
    write_features(output, data, vectors)
    if session.json:
        shapes = {name: list(matrix.shape) for name, matrix in vectors.items()}
        print_json({"output": output, "shapes": shapes, "report": data.report})
    else:
        _show(data)
        say(f"written to {output}")


def _live(
    db: DatabaseManager,
    feature_type: str,
    extractor_version: str | None,
    missing: Missing,
    asked: dict[str, Any],
) -> tuple[TrainingData, Vectors]:
    if missing == "drop":  # ids and vectors alike, so that rows still match
        asked |= {"feature_type": feature_type, "extractor_version": extractor_version}
    data = db.training.splits(**asked)
    return data, {
        name: db.feature_reads.for_training(
            [image_id for image_id, _ in pairs],
            feature_type,
            extractor_version,
            "nan" if missing == "nan" else "error",
        )
        for name, pairs in data.items()
    }


def _frozen(
    db: DatabaseManager,
    feature_type: str,
    extractor_version: str | None,
    missing: Missing,
    asked: Mapping[str, Any],
) -> tuple[TrainingData, Vectors]:
    """Splits and vectors as a version holds them."""
    data = db.training.splits(**asked)
    dataset = db.datasets.open(asked["data_version"])
    vectors: Vectors = {}
    for name in data:
        part = dataset.split(name).to_numpy(feature_type, extractor_version, missing)
        data[name] = list(zip(part[0].tolist(), part[1].tolist(), strict=True))
        vectors[name] = part[2]
    without = data.report.used - sum(map(len, data.values()))
    if without:
        left_out = {**data.report.left_out, f"no {feature_type} features": without}
        used = data.report.used - without
        data.report = dataclasses.replace(data.report, used=used, left_out=left_out)
    return data, vectors


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
