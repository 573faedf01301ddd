"""`mlmcsc export`: the rows of a table into a file."""

from __future__ import annotations

from typing import Any

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.output import counted, print_json, say, size
from mlmcsc.cli.progress import progress
from mlmcsc.cli.session import Session
from mlmcsc.cli.words import Moment


@click.command(
    "export",
    cls=Command,
    example="""
        export labels labels.csv
        export predictions predictions.parquet --since 2026-11-01
        export labels labels.csv --natural-keys --overwrite
    """,
)
@click.argument("table_name", metavar="TABLE")
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--format", "file_format", help="csv, jsonl or parquet, when the name does not tell.")
@click.option("--columns", help="Which, in which order, separated by commas; else all.")
@click.option(
    "--natural-keys",
    is_flag=True,
    help="Name images by path, technicians by staff number, models by version: for import into "
    "another database.",
)
@click.option(
    "--after-id",
    type=click.IntRange(0),
    default=0,
    metavar="ID",
    help="Only rows after this id.",
)
@click.option("--since", type=Moment(), help="Only rows from this time on.")
@click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
@click.pass_obj
def group(
    session: Session,
    /,
    *,
    table_name: str,
    file: str,
    file_format: Any,
    columns: str | None,
    **options: Any,
) -> None:
    """Write the rows of TABLE to FILE (.csv, .jsonl or .parquet)."""
    with session.open() as db, progress() as report:
        result = db.exchange.export_file(
            table_name,
            file,
            format=file_format,
            columns=None if columns is None else columns.split(","),
            progress=lambda done, total: report("Exporting", done, total or done),
            **options,
        )
    if session.json:
        print_json(result)
    else:
        rows = counted(result.rows, "row")
        say(f"{rows} of {result.table} written to {result.path} ({size(result.bytes)})")
