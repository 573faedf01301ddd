"""`mlmcsc demo`: the whole job on drawn fracture surfaces."""

from __future__ import annotations

from pathlib import Path

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.output import note, print_json, say
from mlmcsc.cli.session import Session


@click.command(
    "demo",
    cls=Command,
    example="""
        demo
        demo --output /tmp/charpy --seed 3 --specimens 20
    """,
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default="demo-output",
    show_default=True,
    help="Folder for images, database and report.",
)
@click.option("--seed", type=int, help="Of all randomness; the same seed, the same pictures.")
@click.option(
    "--specimens",
    type=int,
    default=12,
    show_default=True,
    help="Number of broken bars, at least 8.",
)
@click.option(
    "--images-per-specimen", type=int, default=5, show_default=True, help="Views of each bar."
)
@click.pass_obj
def group(
    session: Session, output: Path, seed: int | None, specimens: int, images_per_specimen: int
) -> None:
    """Draw Charpy specimens, ingest, predict, label, train, and write an HTML report.

    Everything stays in the output folder; running it again there changes nothing.
    """
    from mlmcsc.demo import require_extra  # noqa: PLC0415  # scikit-learn, Altair: only here

    require_extra()
    from mlmcsc.demo.story import SEED, run  # noqa: PLC0415

    result = run(
        output,
        seed=SEED if seed is None else seed,
        specimens=specimens,
        images_per_specimen=images_per_specimen,
        database_url=session.database,
        say=note if session.json else say,
    )
    if session.json:
        print_json(result)
