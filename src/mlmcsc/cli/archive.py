"""`mlmcsc archive`: old rows into signed Parquet files, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mlmcsc.cli.command import Group
from mlmcsc.cli.confirming import agreed
from mlmcsc.cli.exits import FINDING, OK
from mlmcsc.cli.output import Column, attribute, counted, facts, note, print_json, say, size, table
from mlmcsc.cli.progress import progress
from mlmcsc.cli.session import Session
from mlmcsc.cli.words import AGE_HELP, Age
from mlmcsc.domain.archives import TIMES

if TYPE_CHECKING:
    from datetime import timedelta

    from mlmcsc.domain.archives import ArchivePlan, ArchiveReport, FoundRow

confirmed = click.option("--confirm", is_flag=True, help="Do it without asking.")
of_table = click.argument("table_name", metavar="TABLE", type=click.Choice(list(TIMES)))

LIST = (
    attribute("archive.name", "archive", whole=True),
    attribute("archive.table_name", "table", whole=True),
    Column("rows", lambda e: f"{e.archive.n_rows:,}", right=True),
    Column("ids", lambda e: f"{e.archive.first_id}-{e.archive.last_id}", right=True),
    Column("oldest", lambda e: f"{e.archive.oldest:%Y-%m-%d}", whole=True, minor=True),
    Column("newest", lambda e: f"{e.archive.newest:%Y-%m-%d}", whole=True, minor=True),
    Column("size", lambda e: size(e.n_bytes), right=True),
    attribute("state", whole=True),
    attribute("verified", whole=True),
)


@click.group("archive", cls=Group)
def group() -> None:
    """Move old rows into signed files, find them there, bring them back."""


@group.command(
    "create",
    example="""
        archive create predictions --older-than 365d --dry-run
        archive create labels --older-than 3y --confirm --reason 'yearly archive'
    """,
)
@of_table
@click.option("--older-than", type=Age(), required=True, help=f"Age: {AGE_HELP}")
@click.option("--dry-run", is_flag=True, help="Show what would go; change nothing.")
@confirmed
@click.option("--compact/--no-compact", default=True, help="Give the freed space back to the disk.")
@click.pass_obj
def create(
    session: Session,
    *,
    table_name: str,
    older_than: timedelta,
    dry_run: bool,
    confirm: bool,
    compact: bool,
) -> int:
    """Move old rows of TABLE out of the database into a signed, compressed archive.

    Rows under a legal hold stay. The files are read back before a row is deleted; interrupted at
    any moment, no row is lost or doubled, and the next run cleans up.

    With --compact, an SQLite file is rewritten without the empty space, if the disk has room.
    """
    with session.open() as db:
        plan = db.archives.plan(table_name, older_than)
        if dry_run or not session.json:
            _show_plan(session, plan)
        if dry_run:
            return OK
        question = f"Move {counted(plan.n_rows, 'row')} of {table_name} into an archive?"
        if plan.n_rows and not agreed(question, given=confirm):
            return FINDING
        with progress() as report:
            done = db.archives.create(table_name, older_than, compact=compact, progress=report)
    if session.json:
        print_json(done)
    else:
        _show_report(done)
    return OK


def _show_plan(session: Session, plan: ArchivePlan) -> None:
    if session.json:
        print_json(plan)
        return
    facts(
        {
            "table": plan.table,
            "older than": plan.before,
            "rows": f"{plan.n_rows:,}",
            "earlier states": f"{plan.n_revisions:,}" if plan.n_revisions else None,
            "held, stay": f"{plan.n_held:,}" if plan.n_held else None,
            "ids": f"{plan.first_id} to {plan.last_id}" if plan.n_rows else None,
            "oldest": plan.oldest,
            "newest": plan.newest,
        }
    )


def _show_report(done: ArchiveReport) -> None:
    if done.cleaned:
        note(f"removed what an interrupted run had left: {', '.join(done.cleaned)}")
    _note_unknown(done.unknown)
    if done.archive is None:
        say("nothing is as old as that; nothing was archived")
        return
    say(f"{done.archive.name}: {counted(done.archive.n_rows, 'row')} moved")
    say(f"archive: {size(done.archive.n_bytes)}")
    if done.bytes_before is not None:
        say(f"database: {size(done.bytes_before)} before, {size(done.bytes_after)} now")
    if done.not_compacted is not None:
        note(f"the database was not made smaller: {done.not_compacted}")


def _note_unknown(folders: Any) -> None:
    if folders:
        note(
            f"this database knows nothing of {', '.join(folders)}; left alone. They belong to a "
            "copy of it, or to a later state than the one that was restored."
        )


@group.command("list", example="archive list\narchive list --verify")
@click.option("--verify", is_flag=True, help="Check signatures and read every row.")
@click.pass_obj
def list_archives(session: Session, *, verify: bool) -> int:
    """List the archives. Exits 1 when one is missing or damaged."""
    with session.open() as db:
        with progress() as report:
            found = db.archives.list(verify=verify, progress=report)
        unknown = db.archives.unknown()
    problems = [entry for entry in found if entry.problem]
    if session.json:
        print_json({"items": found, "unknown": unknown})
    elif not found:
        note("there are no archives")
    else:
        table(LIST, found)
    for entry in problems:
        note(f"{entry.archive.name} is {entry.state}: {entry.problem}")
    _note_unknown(unknown)
    return FINDING if problems else OK


@group.command("find", example="archive find labels 17\narchive find predictions --image 7 --json")
@of_table
@click.argument("record_id", metavar="[ID]", type=int, required=False)
@click.option("--image", "image_id", type=int, help="Rows of this image instead.")
@click.pass_obj
def find(session: Session, *, table_name: str, record_id: int | None, image_id: int | None) -> int:
    """Show archived rows of TABLE by their ID, or by their image, and where they are.

    Exits 1 when there is none in any archive.
    """
    if (record_id is None) == (image_id is None):
        raise click.UsageError("say which rows: by ID, or by --image")
    with session.open() as db:
        found = db.archives.find(table_name, record_id, image_id=image_id)
    if session.json:
        print_json({"items": found})
    for row in found if not session.json else ():
        _show_row(row)
    if not found:
        note("no archive holds such a row")
    return OK if found else FINDING


def _show_row(row: FoundRow) -> None:
    vector = row.values.get("feature_vector")
    shown = row.values | ({} if vector is None else {"feature_vector": f"{len(vector)} numbers"})
    facts({name.replace("_", " "): v for name, v in shown.items()}, f"{row.archive}: {row.table}")
    for earlier in row.revisions:
        said = f"revision {earlier['revision']}: {earlier['label']:g} ({earlier['reason']})"
        say(said)
    say("")


@group.command(
    "restore",
    example="""
        archive restore labels-20260101T020000Z-3fa9c1 --dry-run
        archive restore labels-20260101T020000Z-3fa9c1 --confirm
    """,
)
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Check everything; change nothing.")
@confirmed
@click.pass_obj
def restore(session: Session, name: str, *, dry_run: bool, confirm: bool) -> int:
    """Bring the rows of the archive NAME back under their own ids; its files then go.

    Signature and every row are checked first. All rows come back, or none. Notes of people who
    were erased meanwhile come back empty.
    """
    with session.open() as db:
        if not dry_run and not agreed(f"Bring the rows of {name} back?", given=confirm):
            return FINDING
        with progress() as report:
            done = db.archives.restore(name, dry_run=dry_run, progress=report)
    if session.json:
        print_json(done)
        return OK
    would = "would come back" if dry_run else "came back"
    say(f"{counted(done.n_rows, 'row')} of {done.archive.table_name} {would}")
    if done.n_revisions:
        say(f"with {counted(done.n_revisions, 'earlier state')}")
    if done.n_erased:
        say(f"{counted(done.n_erased, 'note')} of erased people left out")
    return OK
