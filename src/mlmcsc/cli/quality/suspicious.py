"""`mlmcsc quality suspicious`: labels that are probably wrong, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.output import Column, attribute, counted, note, print_json, say, table
from mlmcsc.cli.plotting import require_plots, write_plot
from mlmcsc.cli.progress import progress
from mlmcsc.cli.training_files import refuse_existing
from mlmcsc.domain.suspicion import STANDS_OUT

if TYPE_CHECKING:
    from mlmcsc.cli.session import Session
    from mlmcsc.domain.suspicion import SuspicionReport

LABELS = (
    attribute("label_id", "label", right=True),
    attribute("image_id", "image", right=True),
    attribute("technician_id", "by", whole=True),
    Column("value", lambda each: f"{each.label:.4g}", right=True),
    Column("score", lambda each: f"{each.score:.1f}", right=True),
    attribute("why"),
)


@click.command(
    "suspicious",
    cls=Command,
    example="""
        quality suspicious --limit 20
        quality suspicious --all --technician tech_001 --plot suspicious.svg
    """,
)
@click.option("--limit", type=int, default=50, show_default=True, metavar="N", help="Labels shown.")
@click.option("--all", "every", is_flag=True, help=f"Also labels below a score of {STANDS_OUT:g}.")
@click.option("--technician", help="Only labels by this staff number; all others testify.")
@click.option("--feature-type", metavar="KIND", help="Features that tell what is similar.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of what is compared.")
@click.option(
    "--plot", type=click.Path(dir_okay=False), metavar="FILE", help="Draw them: .svg or .png."
)
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists.")
@click.pass_obj
def suspicious(
    session: Session,
    *,
    limit: int,
    every: bool,
    technician: str | None,
    feature_type: str | None,
    seed: int,
    plot: str | None,
    overwrite: bool,
) -> None:
    """Rank labels that colleagues, the model and similar images speak against.

    The score ranks labels; it is no probability, as these witnesses are not independent. Those
    from 3 on are listed, with --all the others too. A high score is a reason to look again, not a
    verdict.
    """
    if plot is not None:
        require_plots(plot)
        refuse_existing(plot, replace=overwrite)
    with session.open() as db, progress() as report:
        found = db.suspicious_labels.list(
            limit,
            min_score=0.0 if every else STANDS_OUT,
            technician=technician,
            feature_type=feature_type,
            seed=seed,
            progress=report,
        )
    if plot is not None:
        from mlmcsc.plots.suspicion import suspicious_labels  # noqa: PLC0415  # Altair: only here

        write_plot(suspicious_labels(found), plot)
    if session.json:
        print_json(found)
    else:
        _show(found)
    if plot is not None:
        note(f"written to {plot}")


def _show(found: SuspicionReport) -> None:
    if found.items:
        table(LABELS, found.items)
        first = found.items[0]
        say(f"look at it:  mlmcsc images show {first.image_id}")
        say(f"correct it:  {first.command}")
    elif found.min_score and found.without_evidence < found.labels:
        say(f"none of these stands out (score {found.min_score:g} or more); see them with --all")
    else:
        say("nothing speaks for or against any label")
    witnesses = (
        f"colleagues {found.with_colleagues:,}, model {found.with_model:,}, "
        f"similar images {found.with_neighbours:,}"
    )
    note(f"{counted(found.labels, 'label')} judged; by {witnesses}")
    if found.without_evidence:
        note(f"{counted(found.without_evidence, 'label')} without any evidence")
    if found.restricted:
        note(f"{counted(found.restricted, 'label')} left out: processing is restricted (Art. 18)")
