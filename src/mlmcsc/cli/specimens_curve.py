"""`mlmcsc specimens curve`: transition curves and transition temperatures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.output import Column, attribute, counted, facts, note, print_json, say, table
from mlmcsc.cli.plotting import require_plots, write_plot
from mlmcsc.cli.session import Session
from mlmcsc.cli.training_files import refuse_existing
from mlmcsc.errors import ValidationError

if TYPE_CHECKING:
    from mlmcsc.domain.charpy.fitted import TransitionFit
    from mlmcsc.domain.charpy.results import Curve

WORDS = {"lower_shelf": "lower shelf", "upper_shelf": "upper shelf", "t50": "T50", "c": "C"}
SHELF_NAMES = ("lower_shelf", "upper_shelf")
SHELVES = "--shelves {}: write LOWER,UPPER, such as 2.7,180 or ,180."
OUTLIERS = (
    attribute("specimen_id", "outlier", whole=True),
    attribute("temperature_c", "T °C", right=True),
    attribute("value", right=True),
    Column("studentised", lambda point: f"{point.studentised:+.1f}", right=True),
)


@click.command(
    "curve",
    cls=Command,
    example="""
        specimens curve --heat H4711 --property kv
        specimens curve --heat H4711 --property sfa --source labels --plot fatt.svg
        specimens curve --heat H4711 --compare H4712 --plot heats.png
        specimens curve --material 'S355 J2' --orientation T-L --together
    """,
)
@click.option("--heat", help="Of this heat.")
@click.option("--material", help="Of this material.")
@click.option("--orientation", help="Of this orientation, e.g. T-L.")
@click.option(
    "--property",
    type=click.Choice(["kv", "le", "sfa"]),
    default="kv",
    show_default=True,
    help="Absorbed energy, lateral expansion, or shear fracture appearance.",
)
@click.option(
    "--source",
    type=click.Choice(["measured", "labels", "predictions"]),
    default="measured",
    show_default=True,
    help="Of an SFA: measured on the specimen, or read off its images by people or the model.",
)
@click.option("--compare", multiple=True, metavar="HEAT", help="Also this heat; up to three.")
@click.option(
    "--together", is_flag=True, help="One curve through all heats and orientations asked for."
)
@click.option("--confidence", type=float, default=0.95, show_default=True, help="Of intervals.")
@click.option("--robust", is_flag=True, help="Weigh outliers down, and name them.")
@click.option(
    "--bootstrap", "samples", type=int, default=0, metavar="N", help="Intervals from N samples."
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of --bootstrap."
)
@click.option(
    "--shelves",
    metavar="LOWER,UPPER",
    help="Fix a shelf, e.g. 2.7, or ,180; left out, SFA is 0,100 and others are free.",
)
@click.option("--plot", type=click.Path(dir_okay=False), metavar="FILE", help="Draw: .svg or .png.")
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists.")
@click.pass_obj
def command(
    session: Session,
    /,
    *,
    plot: str | None,
    overwrite: bool,
    shelves: str | None,
    **asked: Any,
) -> None:
    """Fit a tanh transition curve (ASTM E2215) and tell transition temperatures.

    FATT is where SFA is 50 %, T28J and T41J where KV is 28 J and 41 J, T0.89mm where LE is
    0.89 mm, each with its confidence interval. Too few test temperatures, or none within the
    transition, are refused.

    One steel has one curve: each heat and orientation gets its own, up to four. To fit them as
    one, say --together.
    """
    if plot is not None:
        refuse_existing(plot, replace=overwrite)
        require_plots(plot)
    if shelves is not None:
        asked["shelves"] = _shelves(shelves)
    with session.open() as db:
        report = db.charpy.curve(**asked)
    if plot is not None:
        from mlmcsc.plots.charpy import transition_curves  # noqa: PLC0415  # Altair: only here

        write_plot(transition_curves(report), plot)
    if session.json:
        print_json(report)
    else:
        for number, curve in enumerate(report.curves):
            if number:
                say("")
            _show(curve)
    for each in report.not_drawn:
        note(f"no curve of {counted(each.specimens, 'specimen')}: {each.why}")
    if report.restricted_technicians:
        people = counted(report.restricted_technicians, "person", "people")
        note(f"labels of {people} left out: their processing is restricted")
    if plot is not None:
        note(f"written to {plot}")


def _shelves(text: str) -> tuple[float | None, float | None]:
    words = text.split(",")
    if not 1 <= len(words) <= 2:  # noqa: PLR2004  # a lower and an upper one
        raise ValidationError(SHELVES.format(text))
    try:
        lower, upper = (float(word) if word.strip() else None for word in (*words, "")[:2])
    except ValueError:
        raise ValidationError(SHELVES.format(text)) from None
    return lower, upper


def _show(curve: Curve) -> None:
    fit, shelf = curve.fit, curve.upper_shelf
    told: dict[str, Any] = {
        "fitted": f"{counted(fit.n, 'specimen')} at {counted(fit.temperatures, 'temperature')} "
        f"from {fit.coldest_c:g} to {fit.warmest_c:g} °C"
        + (f"; {curve.left_out} without temperature or value left out" if curve.left_out else ""),
    }
    for each in fit.parameters:
        unit = fit.unit if each.name in SHELF_NAMES else "°C"
        limits = "fixed" if each.fixed else _limits(each.low, each.high, unit, fit)
        told[WORDS[each.name]] = f"{_number(each.value, unit)} {unit} ({limits})"
    for temperature in fit.derived:
        known = temperature.value is not None
        limits = _limits(temperature.low, temperature.high, "°C", fit)
        value = _number(temperature.value, "°C")
        text = f"{value} °C ({limits})" if known else str(temperature.note)
        told[temperature.name] = text + (" EXTRAPOLATED" if temperature.extrapolated else "")
    told["residual SD"] = f"{fit.residual_sd:.3g} {fit.unit}"
    told["R²"] = None if fit.r_squared is None else f"{fit.r_squared:.3f}"
    told["intervals"] = (
        "none" if fit.intervals == "none" else f"{100 * fit.confidence:.4g} %, {fit.intervals}"
    )
    if shelf is not None:
        known_shelf = f"{shelf.mean:.4g} J, n {shelf.n}" if shelf.mean is not None else "unknown"
        told["upper shelf energy"] = "; ".join(filter(None, (known_shelf, shelf.note)))
    facts(told, title=f"{curve.name}: {fit.kind.upper()}")
    if fit.outliers:
        table(OUTLIERS, fit.outliers, "far from the curve")
    for warning in curve.warnings:
        note(f"{curve.name}: {warning}")


def _limits(low: float | None, high: float | None, unit: str, fit: TransitionFit) -> str:
    if low is None and high is None:
        return "no interval" if fit.intervals == "none" or fit.established else "not established"
    return f"{_number(low, unit)} to {_number(high, unit)}"


def _number(value: float | None, unit: str) -> str:
    """Of temperatures, tenths; of others, four digits."""
    if value is None:
        return "?"
    return f"{round(value, 1) + 0.0:.1f}" if unit == "°C" else f"{value:.4g}"
