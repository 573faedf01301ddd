"""`mlmcsc quality agreement`: people with each other, with references, models with people."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.exits import FINDING
from mlmcsc.cli.output import note, print_json
from mlmcsc.cli.plotting import require_plots, write_plot
from mlmcsc.cli.quality.agreement_views import show
from mlmcsc.cli.session import Session
from mlmcsc.cli.words import Moment
from mlmcsc.domain.permissions import Permission

if TYPE_CHECKING:
    from mlmcsc.domain.agreement.report import AgreementReport


@click.command(
    "agreement",
    cls=Command,
    example="""
        quality agreement
        quality agreement --technician tech_001 --since 2026-01-01 --plot agreement.svg
    """,
)
@click.option("--technician", metavar="STAFF_NUMBER", help="Narrow to this person.")
@click.option("--since", type=Moment(), help="Of labels made at or after.")
@click.option("--until", type=Moment(), help="Of labels made before.")
@click.option("--plot", metavar="FILE", help="Draw it: a name that ends in .svg or .png.")
@click.option("--no-update", is_flag=True, help="Leave technicians' accuracy scores as they are.")
@click.pass_obj
def agreement(
    session: Session,
    *,
    technician: str | None,
    since: datetime | None,
    until: datetime | None,
    plot: str | None,
    no_update: bool,
) -> int:
    """Compare what several people measured on the same images.

    Agreement is of first measurements made without a prediction shown. Where there is too little
    to say something, the answer tells what is missing and how to get it. Exit code 1 when there is
    nothing to compare at all. Also brings technicians' accuracy scores up to date.
    """
    if plot is not None:
        require_plots(plot)
    with session.open() as db:
        if not no_update and Permission.QUALITY in db.actor.permissions:
            changed = db.agreement.update_accuracy().changed
            note(f"accuracy scores brought up to date, {changed:,} changed (--no-update: leave)")
        report = db.agreement.report(technician, since=since, until=until)
    if session.json:
        print_json(report)
    else:
        show(report)
    if plot is not None:
        _draw(report, plot)
    return 0 if report.compared else FINDING


def _draw(report: AgreementReport, plot: str) -> None:
    if not report.compared:
        note(f"{plot} was not drawn: there is nothing to compare")
        return
    from mlmcsc.plots.agreement import agreement_overview as chart  # noqa: PLC0415  # Altair

    write_plot(chart(report), plot)
    note(f"drawn to {plot}")
