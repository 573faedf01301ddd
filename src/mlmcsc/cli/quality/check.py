"""`mlmcsc quality check`: the state of images, labels and predictions, and what to look at."""

from __future__ import annotations

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.exits import FINDING, OK
from mlmcsc.cli.output import note, print_json
from mlmcsc.cli.plotting import require_plots, write_plot
from mlmcsc.cli.progress import progress
from mlmcsc.cli.session import Session
from mlmcsc.cli.training_files import refuse_existing


@click.command(
    "check",
    cls=Command,
    example="""
        quality check
        quality check --html report.html --plot quality.svg
        quality check --all-files --json
    """,
)
@click.option(
    "--html",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write a page that needs nothing beside it.",
)
@click.option(
    "--plot",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Draw scores, errors, reliability and verification: .svg, or .png (never replaced).",
)
@click.option(
    "--all-files", is_flag=True, help="Look for every image file, not for 20,000 at random."
)
@click.option(
    "--fresh",
    is_flag=True,
    help="Trust no kept sums; needed when another program has replaced rows (SQLite).",
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the random sample."
)
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists.")
@click.pass_obj
def check(
    session: Session,
    /,
    *,
    html: str | None,
    plot: str | None,
    all_files: bool,
    fresh: bool,
    seed: int,
    overwrite: bool,
) -> int:
    """Check images, labels and predictions; exits 1 on a warning or worse.

    Says how complete, verified and accurate everything is, whether confidence can be believed,
    and what to look at next, each with a command.
    """
    for path in (html, plot):
        if path is not None:
            refuse_existing(path, replace=overwrite)
    if plot is not None:
        require_plots(plot)
    if html is not None:
        from mlmcsc.cli.quality.check_page import require_page  # noqa: PLC0415  # not for --help

        require_page(html)
    with session.open() as db, progress() as tell:
        found = db.quality.check(all_files=all_files, fresh=fresh, seed=seed, progress=tell)
        database = db.url.rpartition("/")[2].partition("?")[0]
    if plot is not None:
        from mlmcsc.plots.quality import quality_overview  # noqa: PLC0415  # Altair: only here

        write_plot(quality_overview(found), plot)
    if html is not None:
        from mlmcsc.cli.quality.check_page import write_page  # noqa: PLC0415  # as above

        write_page(found, database, html)
    if session.json:
        print_json(found)
    else:
        from mlmcsc.cli.quality.check_views import show_report  # noqa: PLC0415  # not for --help

        show_report(found)
    for path in (html, plot):
        if path is not None:
            note(f"written to {path}")
    return OK if found.ok else FINDING
