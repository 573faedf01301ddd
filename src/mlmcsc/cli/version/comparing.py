"""`mlmcsc version diff`: what differs between two versions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.exits import FINDING, OK
from mlmcsc.cli.output import Column, attribute, cell, counted, facts, note, print_json, say, table
from mlmcsc.cli.plotting import require_plots, write_plot
from mlmcsc.cli.session import Session
from mlmcsc.cli.training_files import refuse_existing
from mlmcsc.cli.version.naming import named_versions

if TYPE_CHECKING:
    from mlmcsc.domain.versions.differences import (
        OtherFeatures,
        Sample,
        Setting,
        Transitions,
        VersionDiff,
    )
    from mlmcsc.manager import DatabaseManager

BAR = 40
"""Width of the longest bar of the histogram, in characters."""
MOST_SAMPLES = 100_000


def _arrow(old: Any, new: Any) -> str | None:
    if old == new:
        return None if old is None else _word(old)
    return f"{_word(old)} -> {_word(new)}"


def _word(value: Any) -> str:
    return "-" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


SAMPLES = (
    attribute("image_id", "image", right=True),
    Column("change", lambda sample: ", ".join(sample.changes), whole=True),
    Column("label", lambda s: _arrow(s.old_label, s.new_label), whole=True),
    Column("split", lambda s: _arrow(s.old_split, s.new_split), whole=True),
    attribute("path"),
)


@click.command(
    "diff",
    cls=Command,
    example="""
        version diff v1.0 v1.1
        version diff v1.0 production --only relabelled --limit 100
        version diff v1.0 v1.1 --output changes.csv --plot changes.svg
    """,
)
@click.argument("old")
@click.argument("new")
@click.option(
    "--limit",
    type=click.IntRange(0, MOST_SAMPLES),
    default=20,
    show_default=True,
    help="Images shown.",
)
@click.option(
    "--only",
    type=click.Choice(["added", "removed", "relabelled", "moved", "details", "redacted"]),
    help="Show, or write, only images that changed so.",
)
@click.option(
    "--after-id", type=click.IntRange(0), default=0, metavar="ID", help="Begin after this image."
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write all images that differ: .csv, .jsonl or .parquet.",
)
@click.option(
    "--plot",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Draw the label differences: .svg or .png (of which none is ever replaced).",
)
@click.option(
    "--transitions", is_flag=True, help="Show from which labels to which images went, as a table."
)
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists.")
@click.option("--exit-code", is_flag=True, help="Exit 1 if anything differs, as git diff does.")
@click.pass_obj
def diff(
    session: Session,
    /,
    old: str,
    new: str,
    *,
    output: str | None,
    plot: str | None,
    transitions: bool,
    overwrite: bool,
    exit_code: bool,
    **asked: Any,
) -> int:
    """Compare two versions: images, labels, splits, settings and features.

    OLD and NEW are names or tags. `details` are images with other content, path, specimen, size,
    annotation or boxes; `redacted` ones cannot be compared.
    """
    for path in (output, plot):
        if path is not None:
            refuse_existing(path, replace=overwrite)
    if plot is not None:
        require_plots(plot)
    with session.open() as db, named_versions():
        found = db.version_checks.diff(old, new, **asked)
        if output is not None:
            _write(db, output, old, new, asked["only"])
    if plot is not None:
        from mlmcsc.plots.versions import version_diff  # noqa: PLC0415  # Altair: only here

        write_plot(version_diff(found), plot)
    if session.json:
        print_json({"identical": found.identical, **found.to_dict()})
    else:
        _show(found, transitions=transitions)
    for path in (output, plot):
        if path is not None:
            note(f"written to {path}")
    return FINDING if exit_code and not found.identical else OK


def _show(found: VersionDiff, *, transitions: bool) -> None:
    facts(
        {
            f"{found.old} (old)": counted(found.old_rows, "image"),
            f"{found.new} (new)": counted(found.new_rows, "image"),
            "added": f"{found.added:,}",
            "removed": f"{found.removed:,}",
            "relabelled": f"{found.relabelled:,}",
            "moved": f"{found.moved:,}",
            "details": f"{found.details:,}" if found.details else None,
            "not comparable": f"{found.redacted:,}, redacted" if found.redacted else None,
            "other settings": "\n".join(map(_setting, found.settings)) or None,
            "other features": "\n".join(map(_feature, found.features)) or None,
        }
    )
    if found.histogram:
        _show_histogram(found)
    if transitions and found.transitions:
        _show_transitions(found.transitions)
    if found.samples:
        table(SAMPLES, found.samples, "images that differ")
    elif found.identical:
        say("the same images, labels, splits, settings and features")
    if found.next_after_id is not None:
        note(f"more: add --after-id {found.next_after_id}, a higher --limit, or --output FILE")


def _show_histogram(found: VersionDiff) -> None:
    most = max(each.count for each in found.histogram)
    columns = (
        Column("from", lambda b: f"{b.low:+.6g}" if b.low else "0", right=True),
        Column("to", lambda b: f"{b.high:+.6g}" if b.high else "0", right=True),
        Column("images", lambda b: f"{b.count:,}", right=True),
        Column("", lambda b: "#" * -(-b.count * BAR // most), whole=True),
    )
    mean = f"{found.mean_difference:+.4g}"
    bars = [each for each in found.histogram if each.count]
    table(columns, bars, f"new label minus old one, mean {mean}")


def _setting(other: Setting) -> str:
    return f"{other.name}: {cell(other.old)} -> {cell(other.new)}"


def _feature(other: OtherFeatures) -> str:
    vectors = f"{other.old_vectors:,} -> {counted(other.new_vectors, 'vector')}"
    return f"{other.feature_type} {other.extractor_version} {other.change}: {vectors}"


def _show_transitions(found: Transitions) -> None:
    """The table without rows and columns in which there is nothing."""
    rows = [at for at, row in enumerate(found.counts) if any(row)]
    shown = [at for at, column in enumerate(zip(*found.counts, strict=True)) if any(column)]
    columns = (
        Column("old", lambda at: f"{found.edges[at]:.6g}", right=True),
        *(Column(f"{found.edges[to]:.6g}", partial(_count, found, to), right=True) for to in shown),
    )
    table(columns, rows, "from old label (rows) to new one (columns), each from this value on")


def _count(found: Transitions, to: int, at: int) -> str:
    return f"{found.counts[at][to]:,}" if found.counts[at][to] else "."


def _write(db: DatabaseManager, output: str, old: str, new: str, only: str | None) -> None:
    from mlmcsc.adapters.tabular import draft, format_of, write_table  # noqa: PLC0415  # not for --help
    from mlmcsc.adapters.tabular.formats import compression_of  # noqa: PLC0415
    from mlmcsc.domain.fields import Kind  # noqa: PLC0415

    number, text, real = Kind.INTEGER, Kind.TEXT, Kind.REAL
    kinds = {"image_id": number, "path": text, "changes": text, "old_label": real}
    kinds |= {"new_label": real, "old_split": text, "new_split": text}

    def rows() -> Iterator[list[tuple[Any, ...]]]:
        for page in db.version_checks.samples(old, new, only=only):
            yield [_cells(sample) for sample in page]

    path = Path(output).absolute()
    kind = format_of(path)
    with draft(path) as made:
        packed = compression_of(path) if kind != "parquet" else ""
        write_table(made.path, kind, packed, kinds, rows())
        made.publish()


def _cells(sample: Sample) -> tuple[Any, ...]:
    return (
        sample.image_id,
        sample.path,
        " ".join(sample.changes),
        _rounded(sample.old_label),
        _rounded(sample.new_label),
        sample.old_split,
        sample.new_split,
    )


def _rounded(label: float | None) -> float | None:
    """A mean of readings without the noise of binary fractions."""
    return None if label is None else float(f"{label:.9g}")


commands = (diff,)
