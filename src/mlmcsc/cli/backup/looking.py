"""`mlmcsc backup list`, `show`, `verify`: which backups there are, and whether they are whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.exits import FINDING, OK
from mlmcsc.cli.output import Column, attribute, counted, facts, note, print_json, say, size, table
from mlmcsc.cli.progress import byte_progress
from mlmcsc.cli.session import Session

if TYPE_CHECKING:
    from mlmcsc.domain.backups.reports import BackupEntry

from_place = click.option("--from", "place", metavar="PLACE", help="Folder or s3://bucket/prefix.")


def _drill(entry: BackupEntry) -> str | None:
    if entry.drill_passed is None:
        return None
    if not entry.drill_passed:
        return "FAILED"
    return f"{entry.rto_seconds:.1f} s" if entry.rto_seconds is not None else "passed"


def _verified(entry: BackupEntry) -> str | None:
    if entry.found_damaged:
        return "DAMAGED"
    return f"{entry.verified_at:%Y-%m-%d}" if entry.verified_at is not None else None


LIST = (
    attribute("name", "backup", whole=True),
    attribute("state", whole=True),
    attribute("taken_at", "state of (UTC)", whole=True),
    attribute("kind", whole=True, minor=True),
    Column("size", lambda e: size(e.n_bytes), right=True),
    Column("written", lambda e: size(e.new_bytes), right=True, minor=True),
    attribute("encrypted", whole=True, minor=True),
    attribute("with_images", "images", whole=True, minor=True),
    Column("verified", _verified, whole=True),
    Column("drill", _drill, whole=True),
)


@click.command("list", cls=Command, example="backup list\nbackup list --from s3://bucket/lab")
@from_place
@click.pass_obj
def list_backups(session: Session, place: str | None) -> int:
    """List the backups, newest first.

    `verified` is when every byte was last read and right, `drill` how long it took to restore it to
    scratch; `show` tells more. Exits 1 when one is damaged or missing, or calls itself this
    database's and is not signed by it; other databases' backups are listed as such.
    """
    with session.open() as db:
        found = db.backups.list(place)
    if session.json:
        print_json({"items": found})
    elif not found:
        note("there are no backups yet; make one: mlmcsc backup create")
    else:
        table(LIST, found, quiet=True)
    problems = [e for e in found if e.problem and e.state != "another database's"]
    for entry in problems:
        note(f"{entry.name} is {entry.state}: {entry.problem}")
    damaged = [e for e in found if e.found_damaged]
    for entry in damaged:
        note(f"{entry.name} was found damaged when it was last checked; see backup verify")
    return FINDING if problems or damaged else OK


@click.command("show", cls=Command, example="backup show manual_backup")
@click.argument("name")
@from_place
@click.pass_obj
def show(session: Session, name: str, place: str | None) -> int:
    """Show all that is known of the backup NAME."""
    with session.open() as db:
        found = db.backups.show(name, place)
    if session.json:
        print_json(found)
    else:
        _show(found)
    return FINDING if found.problem or found.found_damaged else OK


def _show(found: BackupEntry) -> None:
    facts(
        {
            "backup": found.name,
            "state": found.state,
            "problem": found.problem,
            "path": found.path,
            "set": found.set_id,
            "database": found.database_id,
            "kind": found.kind,
            "state of": found.taken_at,
            "whole since": found.finished_at,
            "files": None if found.n_files is None else f"{found.n_files:,}",
            "size": size(found.n_bytes),
            "stored": size(found.stored_bytes),
            "written for it": size(found.new_bytes),
            "encrypted": found.encrypted,
            "images": found.with_images,
            "engine": found.engine,
            "schema": found.schema_revision,
            "made by": None if found.release is None else f"mlmcsc {found.release}",
            "manifest SHA-256": found.manifest_sha256,
            "verified": "found DAMAGED" if found.found_damaged else found.verified_at,
            "drilled": found.drilled_at,
            "drill": _drill(found),
            "recovery point": None
            if found.rpo_seconds is None
            else f"{found.rpo_seconds:,.0f} s would be lost",
        }
    )


@click.command(
    "verify",
    cls=Command,
    example="""
        backup verify manual_backup
        backup verify manual_backup --deep --from s3://bucket/lab
    """,
)
@click.argument("name")
@from_place
@click.option("--deep", is_flag=True, help="Decrypt and unpack everything too.")
@click.pass_obj
def verify(session: Session, name: str, place: str | None, *, deep: bool) -> int:
    """Read the backup NAME whole: signature, list of files, every byte. Exits 1 if damaged."""
    with session.open() as db, byte_progress() as report:
        found = db.backups.verify(name, place, deep=deep, progress=report)
    if session.json:
        print_json(found.to_dict() | {"whole": found.whole})
        return OK if found.whole else FINDING
    told = f"{counted(found.n_files, 'file')}, {size(found.n_bytes)}, {found.rate:,.0f} MB/s"
    say(f"{name}: {'whole' if found.whole else 'DAMAGED'} ({told})")
    for fault in found.faults:
        note(f"{fault.name}: {fault.problem}")
    return OK if found.whole else FINDING


commands = (list_backups, show, verify)
