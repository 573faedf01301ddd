"""`mlmcsc specimens measure`: the SFA that was measured on a fracture."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.output import facts, print_json
from mlmcsc.cli.session import Session
from mlmcsc.domain.charpy.methods import METHODS

if TYPE_CHECKING:
    from mlmcsc.domain.charpy.sfa import SfaInput

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS = (
    click.option("--a-mm", type=float, metavar="MM", help="Width A of the cleavage area."),
    click.option("--b-mm", type=float, metavar="MM", help="Depth B of the cleavage area."),
    click.option(
        "--ligament",
        nargs=2,
        type=float,
        metavar="WIDTH DEPTH",
        help="Of a sub-size bar, in mm; else 10 8.",
    ),
    click.option("--total-mm2", type=float, metavar="MM2", help="Area of the fracture surface."),
    click.option("--cleavage-mm2", type=float, metavar="MM2", help="Area of the cleavage."),
    click.option("--method", type=click.Choice(METHODS), help="How it was found."),
)


def measurement(command: F) -> F:
    """Options for what was measured; the command gets those that were given as `sfa`."""

    @functools.wraps(command)
    def with_sfa(*args: Any, **kwargs: Any) -> Any:
        names = ("a_mm", "b_mm", "ligament", "total_mm2", "cleavage_mm2", "method")
        given = {name: value for name in names if (value := kwargs.pop(name)) is not None}
        return command(*args, sfa=given, **kwargs)

    decorated: Any = with_sfa
    for option in reversed(OPTIONS):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]  # the same signature, options added


def sfa_input(given: dict[str, Any]) -> SfaInput:
    """The measurement as the service takes it."""
    from mlmcsc.domain.charpy.sfa import Ligament  # noqa: PLC0415  # not for --help

    sides = given.get("ligament")
    return cast("SfaInput", given | ({"ligament": Ligament(*sides)} if sides else {}))


@click.command(
    "measure",
    cls=Command,
    example="""
        specimens measure SPEC_001 --a-mm 4.2 --b-mm 5.1 --lateral-expansion 1.12
        specimens measure SPEC_002 --total-mm2 80 --cleavage-mm2 31.5 --method image_analysis
        specimens measure SPEC_003 --percent 60 --method comparison_chart
    """,
)
@click.argument("specimen_id")
@measurement
@click.option("--percent", type=float, metavar="SFA", help="SFA as it was read, with --method.")
@click.option("--lateral-expansion", "le_mm", type=float, metavar="MM", help="Measured with it.")
@click.pass_obj
def command(
    session: Session,
    specimen_id: str,
    *,
    sfa: dict[str, Any],
    percent: float | None,
    le_mm: float | None,
) -> None:
    """Record the shear fracture appearance (SFA) measured on a specimen.

    From A and B in mm (ASTM E23 table A4.1: 100 (1 - A B / 80)), from areas, or as it was read.
    What was measured is kept with it.
    """
    given = sfa if percent is None else sfa | {"percent": percent}
    with session.open() as db:
        after = db.charpy.measure(specimen_id, le_mm=le_mm, **sfa_input(given))
    if session.json:
        print_json(after)
        return
    facts(
        {
            "specimen": after.specimen_id,
            "SFA %": after.sfa_percent,
            "SFA by": after.sfa_method,
            "SFA from": after.sfa_details,
            "LE mm": after.le_mm,
        }
    )
