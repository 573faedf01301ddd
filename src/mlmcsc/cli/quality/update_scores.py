"""`mlmcsc quality update-scores` and `quality scores`: how good images are."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.exits import FINDING, OK
from mlmcsc.cli.output import (
    Column,
    attribute,
    counted,
    duration,
    facts,
    note,
    print_json,
    table,
)
from mlmcsc.cli.paging import listing, show_listing
from mlmcsc.cli.plotting import require_plots, write_plot
from mlmcsc.cli.progress import progress
from mlmcsc.cli.session import Session
from mlmcsc.cli.training_files import refuse_existing
from mlmcsc.cli.words import Moment

if TYPE_CHECKING:
    from mlmcsc.domain.image_quality import ScoreRecord, ScoreUpdate
    from mlmcsc.domain.results import Page

SHOWN = 20
PROBLEMS = (attribute("image_id", "image", right=True), attribute("reason"))


def _number(name: str, title: str, *, minor: bool = False) -> Column:
    def of(record: Any) -> str | None:
        value = getattr(record, name)
        return None if value is None else f"{value:.3g}"

    return Column(title, of, right=True, minor=minor)


SCORES = (
    attribute("id", right=True),
    attribute("image_id", "image", right=True),
    Column("score", lambda r: None if r.score is None else f"{r.score:.2f}", right=True),
    attribute("flagged"),
    _number("tenengrad", "Tenengrad", minor=True),
    _number("laplacian_variance", "Laplacian", minor=True),
    _number("rms_contrast", "contrast", minor=True),
    _number("clipped_low", "black", minor=True),
    _number("clipped_high", "white", minor=True),
    _number("noise", "noise", minor=True),
    _number("illumination_gradient", "light", minor=True),
    _number("saturation", "colour", minor=True),
    attribute("problem"),
)
UNREADABLE = (
    attribute("id", right=True),
    attribute("image_id", "image", right=True),
    attribute("measured_at", "tried (UTC)", whole=True),
    attribute("problem"),
)


@click.command(
    "update-scores",
    cls=Command,
    example="""
        quality update-scores --threshold 0.7
        quality update-scores --all --workers 8 --plot scores.svg
        quality update-scores --cluster tcp://head:8786
    """,
)
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    metavar="SCORE",
    help="Flag images that score less; else quality.min_quality_score.",
)
@click.option("--all", "everything", is_flag=True, help="Measure every image anew.")
@click.option("--since", type=Moment(), help="Measure anew images taken at or after.")
@click.option(
    "--invalidate",
    is_flag=True,
    help="Mark flagged images as not valid, but for those changed after they were measured.",
)
@click.option(
    "--workers", type=click.IntRange(0, 256), metavar="N", help="Processes; else by the machine."
)
@click.option("--cluster", metavar="URL", help="A Dask scheduler whose workers see the files.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Measure no more images.")
@click.option("--dry-run", is_flag=True, help="Only count what would be measured.")
@click.option(
    "--plot",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Draw the scores of this run: .svg or .png (never replaced).",
)
@click.pass_obj
def update_scores(
    session: Session,
    /,
    *,
    threshold: float | None,
    since: datetime | None,
    plot: str | None,
    **asked: Any,
) -> int:
    """Measure focus, exposure, noise and light of images, and score them from 0 to 1.

    Images without a score by the present formula, of their present content, are measured; an
    interrupted run goes on where it was. Exits with 1 if a file could not be measured.
    """
    if plot is not None:
        refuse_existing(plot, replace=False)
        require_plots(plot)
    with session.open() as db, progress() as told:
        done = db.image_quality.update_scores(threshold, since=since, progress=told, **asked)
    if plot is not None and done.scored:
        from mlmcsc.plots.image_quality import score_histogram  # noqa: PLC0415  # Altair: only here

        write_plot(score_histogram(done), plot)
    if session.json:
        print_json(done)
    else:
        _show(done)
    if plot is not None:
        note(f"written to {plot}" if done.scored else "no plot: no image was scored")
    return FINDING if done.problem_count else OK


def _show(done: ScoreUpdate) -> None:
    if done.dry_run:
        facts({"would be measured": counted(done.selected, "image")})
        return
    speed = done.scored / done.seconds if done.seconds else 0.0
    facts(
        {
            "scored": f"{counted(done.scored, 'image')} in {duration(done.seconds)}, {speed:,.0f}/s"
            if done.scored
            else "0 images",
            f"below {done.threshold:g}": f"{done.flagged:,}, flagged" if done.scored else None,
            "flags changed": f"{done.reflagged:,} of images scored before"
            if done.reflagged
            else None,
            "no longer valid": f"{done.invalidated:,}" if done.invalidated else None,
            "changed meanwhile": f"{done.passed_over:,}, not scored" if done.passed_over else None,
            "not measured": _not_measured(done) if done.problem_count else None,
            "formula": done.formula,
        }
    )
    if done.problems:
        table(PROBLEMS, done.problems[:SHOWN], "could not be measured")
        if done.problem_count > SHOWN:
            note("all of them: mlmcsc quality scores --unreadable")


def _not_measured(done: ScoreUpdate) -> str:
    kept = f", {done.kept:,} of them keep their old score" if done.kept else ""
    return f"{done.problem_count:,}{kept}"


@click.command(
    "scores",
    cls=Command,
    example="""
        quality scores --flagged --plot components.svg
        quality scores --unreadable --json
    """,
)
@click.option("--flagged", is_flag=True, default=None, help="Only images below the threshold.")
@click.option("--unreadable", is_flag=True, default=None, help="Only files not measured, and why.")
@click.option(
    "--plot",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Draw the components of those listed: .svg or .png (never replaced).",
)
@listing
@click.pass_obj
def scores(
    session: Session,
    /,
    *,
    flagged: bool | None,
    unreadable: bool | None,
    plot: str | None,
    **paging: Any,
) -> int:
    """List stored scores with their components."""
    if plot is not None:
        refuse_existing(plot, replace=False)
        require_plots(plot)
    listed: list[ScoreRecord] = []
    with session.open() as db:

        def fetch(after: int, size: int) -> Page[ScoreRecord]:
            page = db.image_quality.list(
                flagged=flagged, unreadable=unreadable, after_id=after, limit=size
            )
            if plot is not None:
                listed.extend(page.items)
            return page

        show_listing(session, fetch, UNREADABLE if unreadable else SCORES, **paging)
    if plot is not None and any(each.problem is None for each in listed):
        from mlmcsc.plots.image_quality import score_components  # noqa: PLC0415  # as above

        write_plot(score_components(listed), plot)
        note(f"written to {plot}")
    elif plot is not None:
        note("no plot: none of those listed was measured")
    return OK


commands = (update_scores, scores)
