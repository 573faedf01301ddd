"""`mlmcsc quality drift`: has anything changed, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.exits import FINDING, OK
from mlmcsc.cli.output import Column, attribute, counted, note, print_json, say, table
from mlmcsc.cli.plotting import require_plots, write_plot
from mlmcsc.cli.progress import progress
from mlmcsc.cli.session import Session
from mlmcsc.cli.training_files import refuse_existing
from mlmcsc.cli.words import AGE_HELP, Age

if TYPE_CHECKING:
    from mlmcsc.domain.drift.channels import Channel
    from mlmcsc.domain.drift.report import DriftReport, Side
    from mlmcsc.manager import DatabaseManager


def _means(channel: Channel) -> str:
    if channel.reference_mean is None:
        return "-"
    return f"{channel.reference_mean:.4g} -> {channel.current_mean:.4g}"


def _apart(channel: Channel) -> str:
    if channel.unlike is not None:
        return f"{channel.unlike:.1%} MMD"
    return "-" if channel.shift is None else f"{channel.shift:.2f} SD"


def _probability(value: float | None) -> str:
    return "-" if value is None else "<0.0001" if value < 0.0001 else f"{value:.4f}"  # noqa: PLR2004  # four digits are shown


def _effective(channel: Channel) -> str:
    return f"{channel.effective_reference:.0f} / {channel.effective_current:.0f}"


COLUMNS = (
    attribute("group"),
    attribute("channel"),
    attribute("verdict", whole=True),
    Column("mean", _means, whole=True),
    Column("moved", _apart, right=True),
    Column("PSI", lambda c: "-" if c.psi is None else f"{c.psi:.3f}", right=True),
    Column("adjusted p", lambda c: _probability(c.adjusted_p), right=True),
    Column("p", lambda c: _probability(c.p), right=True, minor=True),
    Column("effective n", _effective, right=True, minor=True),
)
UNTESTED = (
    Column("channels", lambda group: ", ".join(group[1])),
    Column("because", lambda group: group[0]),
)


@click.command(
    "drift",
    cls=Command,
    example="""
        quality drift --reference 2026-01-01..2026-03-31 --current 2026-04-01..2026-06-30
        quality drift --last 30d --plot drift.svg
        quality drift --versions v1.0 v2.0
    """,
)
@click.option("--reference", metavar="FROM..TO", help="What counts as normal; both days included.")
@click.option("--current", metavar="FROM..TO", help="What is compared with it.")
@click.option("--last", type=Age(), help=f"Compare so long with all before: {AGE_HELP}")
@click.option("--versions", nargs=2, metavar="OLD NEW", help="Compare two dataset versions.")
@click.option("--features", metavar="TYPE", help="Feature type; needed if several are stored.")
@click.option("--extractor-version", metavar="VERSION", help="Of the features.")
@click.option(
    "--alpha",
    type=float,
    default=0.05,
    show_default=True,
    help="Share of alarms that may be false.",
)
@click.option(
    "--adjustment",
    type=click.Choice(["bh", "by"]),
    default="bh",
    show_default=True,
    help="Benjamini-Hochberg, or the stricter Benjamini-Yekutieli.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of chance.")
@click.option("--plot", metavar="FILE", help="Draw it: a name that ends in .svg or .png.")
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists.")
@click.pass_obj
def drift(
    session: Session,
    /,
    *,
    reference: str | None,
    current: str | None,
    last: timedelta | None,
    versions: tuple[str, str] | None,
    plot: str | None,
    overwrite: bool,
    **asking: Any,
) -> int:
    """Compare two periods or versions: inputs, predictions, labels, raters, instruments.

    A channel has drifted when the difference is both improbable (p adjusted for all channels) and
    large enough to matter. Images of a specimen do not count as independent. Exit code 1 when
    anything drifted.
    """
    if plot is not None:
        refuse_existing(plot, replace=overwrite)
        require_plots(plot)
    given = [reference is not None or current is not None, last is not None, versions is not None]
    if sum(given) != 1 or (reference is None) != (current is None):
        raise click.UsageError("give --reference and --current, or --last, or --versions.")
    with session.open() as db:
        report = _compared(db, (reference, current), last, versions, asking)
    if session.json:
        print_json(report)
    else:
        _show(report)
    if plot is not None and not report.tested:
        note(f"{plot} is not written: nothing could be tested, so there is nothing to draw")
    elif plot is not None:
        from mlmcsc.plots.drift import drift_overview as drawn  # noqa: PLC0415  # Altair: only here

        write_plot(drawn(report), plot)
        note(f"written to {plot}")
    return FINDING if report.drifted else OK


def _compared(
    db: DatabaseManager,
    periods: tuple[str | None, str | None],
    last: timedelta | None,
    versions: tuple[str, str] | None,
    options: dict[str, Any],
) -> DriftReport:
    from mlmcsc.services.drift import Asking  # noqa: PLC0415  # not for --help

    asking = Asking(**options)
    with progress() as told:
        if last is not None:
            return db.drift.last(last, asking=asking, progress=told)
        if versions is not None:
            return db.drift.compare_versions(*versions, asking=asking, progress=told)
        reference, current = (each or "" for each in periods)
        return db.drift.compare(reference, current, asking=asking, progress=told)


def _show(report: DriftReport) -> None:
    for role, side in (("reference", report.reference), ("current", report.current)):
        say(f"{role} {side.name}: {_counts(side)}")
    found = report.drifted
    if report.tested:
        verdict = f"{len(found)} of {counted(report.tested, 'channel')} drifted"
        say(f"\n{verdict} (effect large enough and adjusted p <= {report.alpha:g})")
    else:
        say("\nnothing could be tested")
    tested = [each for each in report.channels if each.p is not None]
    if tested:
        table(COLUMNS, tested)
    for each in report.attributions:
        say(f"\n{each.words}")
    _show_untested([each for each in report.channels if each.p is None])
    for text in report.notes:
        note(text)


def _counts(side: Side) -> str:
    told = [
        counted(side.images, "image"),
        counted(side.predictions, "prediction"),
        counted(side.labels, "label"),
    ]
    if side.restricted:
        told.append(f"{counted(side.restricted, 'label')} of restricted people left out")
    return ", ".join(told)


def _show_untested(channels: Sequence[Channel]) -> None:
    """Reasons, each once, with the channels that it holds for."""
    reasons: dict[str, list[str]] = {}
    for each in channels:
        reasons.setdefault(each.reason or "", []).append(each.channel)
    if reasons:
        table(UNTESTED, list(reasons.items()), "not tested")
