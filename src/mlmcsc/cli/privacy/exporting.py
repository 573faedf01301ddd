"""`mlmcsc privacy export-user-data`: a person's copy of their data (GDPR Art. 15 and 20)."""

from __future__ import annotations

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.exits import FAILURE, OK
from mlmcsc.cli.output import Column, note, print_json, say, table
from mlmcsc.cli.progress import progress
from mlmcsc.cli.session import Session

ROWS = (Column("part", lambda pair: pair[0], whole=True), Column("rows", lambda pair: pair[1]))


@click.command(
    "export-user-data",
    cls=Command,
    example="""
        privacy export-user-data tech_001 --output tech_001.json
        privacy export-user-data tech_001 --output copy.json --csv copy/
    """,
)
@click.argument("person", metavar="ID")
@click.option("--output", required=True, metavar="FILE.json", help="The file to write.")
@click.option("--csv", metavar="FOLDER", help="Also one CSV file for each part, in a new folder.")
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there.")
@click.pass_obj
def export_user_data(
    session: Session, person: str, output: str, csv: str | None, *, overwrite: bool
) -> int:
    """Write everything that is held about and by a person to a file.

    ID is a staff number, a login, a name as it was written, or a subject id. With each part stand
    its purpose, legal basis, recipients, source and how long it is kept. No colleague is named. The
    file is readable by you alone (mode 0600): hand it over, then delete it.

    Exit 3 when an archive cannot be read: all else is in the file, which says what is missing.
    """
    with session.open() as db, progress() as report:
        done = db.access.write(person, output, csv=csv, overwrite=overwrite, progress=report)
    if session.json:
        print_json(done)
        return FAILURE if done.incomplete else OK
    table(ROWS, [(name, count) for name, count in done.rows.items() if count])
    say(f"written: {done.path} (SHA-256 {done.sha256})")
    if done.csv is not None:
        say(f"and as CSV files: {done.csv}")
    note("it holds personal data in clear: hand it over safely, then delete it")
    for line in done.incomplete:
        note(line)
    return FAILURE if done.incomplete else OK


commands = (export_user_data,)
