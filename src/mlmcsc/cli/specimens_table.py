"""`mlmcsc specimens table`: specimens with the SFA measured, read off images, and predicted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.output import Column, attribute, counted, say
from mlmcsc.cli.paging import BATCH, listing, show_listing
from mlmcsc.cli.session import Session
from mlmcsc.cli.training_files import refuse_existing

if TYPE_CHECKING:
    from mlmcsc.domain.charpy.results import ReadSfa, SpecimenRow
    from mlmcsc.manager import DatabaseManager


def _read(found: ReadSfa | None) -> str | None:
    if found is None:
        return None
    return f"{found.mean:.1f}" + (
        "" if found.uncertainty is None else f" ± {found.uncertainty:.1f}"
    )


def _percent(sfa: float | None) -> str | None:
    return None if sfa is None else f"{sfa:.1f}"


def _counts(found: ReadSfa | None) -> str | None:
    return None if found is None else f"{found.images}/{found.raters}"


def _difference(row: SpecimenRow) -> str | None:
    return None if row.difference is None else f"{row.difference:+.1f}"


COLUMNS = (
    attribute("specimen_id", "specimen", whole=True),
    attribute("material", minor=True),
    attribute("heat", whole=True),
    attribute("orientation", "orient.", whole=True, minor=True),
    attribute("temperature_c", "T °C", right=True),
    attribute("kv_joule", "KV J", right=True),
    attribute("le_mm", "LE mm", right=True),
    Column("SFA %", lambda row: _percent(row.sfa_percent), right=True),
    attribute("sfa_method", "by", whole=True, minor=True),
    Column("labels %", lambda row: _read(row.labels), right=True),
    Column("images/raters", lambda row: _counts(row.labels), right=True, minor=True),
    Column("model %", lambda row: _read(row.predictions), right=True),
    Column("model - SFA", _difference, right=True),
)


FILE_COLUMNS = (
    *("specimen_id", "material", "heat", "orientation", "temperature_c", "kv_joule", "le_mm"),
    *("sfa_percent", "sfa_method", "labels_sfa", "labels_uncertainty", "labels_images"),
    *("labels_raters", "predictions_sfa", "predictions_uncertainty", "predictions_images"),
    *("difference", "difference_to"),
)


@click.command(
    "table",
    cls=Command,
    example="""
        specimens table --heat H4711
        specimens table --material 'S355 J2' --output table.csv
    """,
)
@click.option("--heat", help="Of this heat.")
@click.option("--material", help="Of this material.")
@click.option("--orientation", help="Of this orientation, e.g. T-L.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write all of them: .csv, .jsonl or .parquet.",
)
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists.")
@listing
@click.pass_obj
def command(
    session: Session,
    /,
    *,
    heat: str | None,
    material: str | None,
    orientation: str | None,
    output: str | None,
    overwrite: bool,
    **page: Any,
) -> None:
    """List specimens with KV, LE, and SFA as measured, as labelled, and as predicted.

    `labels` is the mean over a specimen's images ± its standard uncertainty; `model` is the active
    model's. The last column is the model less the measured SFA or, where there is none, less the
    labels.
    """
    wanted = {"heat": heat, "material": material, "orientation": orientation}
    if output is not None:
        refuse_existing(output, replace=overwrite)
    with session.open() as db:
        if output is not None:
            rows = _write(db, output, wanted)
            say(f"{counted(rows, 'specimen')} written to {output}")
            return
        show_listing(
            session,
            lambda after, most: db.charpy.table(**wanted, after_id=after, limit=most),
            COLUMNS,
            **page,
        )


def _write(db: DatabaseManager, output: str, wanted: dict[str, str | None]) -> int:
    from mlmcsc.adapters.tabular import draft, format_of, write_table  # noqa: PLC0415  # not for --help
    from mlmcsc.adapters.tabular.formats import compression_of  # noqa: PLC0415
    from mlmcsc.domain.fields import Kind  # noqa: PLC0415

    text = ("specimen_id", "material", "heat", "orientation", "sfa_method", "difference_to")
    whole = ("labels_images", "labels_raters", "predictions_images")
    kinds = dict.fromkeys(FILE_COLUMNS, Kind.REAL)
    kinds |= dict.fromkeys(text, Kind.TEXT) | dict.fromkeys(whole, Kind.INTEGER)

    def chunks() -> Iterator[list[tuple[Any, ...]]]:
        position: int | None = 0
        while position is not None:
            page = db.charpy.table(**wanted, after_id=position, limit=BATCH)
            yield [tuple(_flat(row)[name] for name in FILE_COLUMNS) for row in page]
            position = page.next_after_id

    path = Path(output).absolute()
    kind = format_of(path)
    with draft(path) as made:
        packed = compression_of(path) if kind != "parquet" else ""
        rows = write_table(made.path, kind, packed, kinds, chunks())
        made.publish()
    return rows


def _flat(row: SpecimenRow) -> dict[str, Any]:
    """One level, as a file has it."""
    flat = row.to_dict()
    for name in ("labels", "predictions"):
        read = flat.pop(name) or {}
        for key, field in (("sfa", "mean"), ("uncertainty", "uncertainty")):
            flat[f"{name}_{key}"] = read.get(field)
        flat |= {f"{name}_{key}": read.get(key) for key in ("images", "raters")}
    return flat
