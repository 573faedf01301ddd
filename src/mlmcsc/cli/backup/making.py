"""`mlmcsc backup create`: a whole, checked copy, made while everybody goes on working."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.exits import FINDING, OK
from mlmcsc.cli.output import counted, facts, note, print_json, size
from mlmcsc.cli.progress import byte_progress
from mlmcsc.cli.session import Session

if TYPE_CHECKING:
    from mlmcsc.domain.backups.reports import BackupReport

TOLD = 10
"""Files named of those that were left out; the rest is counted."""


@click.command(
    "create",
    cls=Command,
    example="""
        backup create
        backup create --name manual_backup --with-images
        backup create --to s3://bucket/lab --encrypt
    """,
)
@click.option("--name", help="Letters, digits, '.', '_', '-'. Left out: the time.")
@click.option("--to", metavar="PLACE", help="Folder or s3://bucket/prefix.")
@click.option("--full", is_flag=True, help="Write all anew; share nothing with earlier backups.")
@click.option("--with-images/--without-images", default=None, help="Image files too, or not.")
@click.option("--encrypt/--no-encrypt", default=None, help="AES-256-GCM under the master key.")
@click.option("--compress/--no-compress", default=None, help="Zstandard.")
@click.pass_obj
def create(
    session: Session,
    *,
    name: str | None,
    to: str | None,
    full: bool,
    with_images: bool | None,
    encrypt: bool | None,
    compress: bool | None,
) -> int:
    """Make a backup of the database, its versions, archives and settings.

    Everybody goes on working meanwhile. What the place has from an earlier backup is not written
    again. What an option does not say, the settings `backup.*` do. Exits 1 when files had to be
    left out, because they are missing or damaged, or when files of earlier backups were found
    damaged and were written anew; the backup is whole otherwise.
    """
    with session.open() as db, byte_progress() as report:
        done = db.backups.create(
            name,
            to=to,
            full=full,
            with_images=with_images,
            encrypt=encrypt,
            compress=compress,
            progress=report,
        )
    if session.json:
        print_json(done)
    else:
        _show(done)
    if done.not_recorded is not None:
        note(f"the backup is whole, but the database could not note it: {done.not_recorded}")
    for fault in done.left_out[:TOLD]:
        note(f"left out: {fault.name}: {fault.problem}")
    if len(done.left_out) > TOLD:
        note(f"… and {counted(len(done.left_out) - TOLD, 'other file')}; --json tells all")
    for fault in done.written_anew[:TOLD]:
        note(f"{fault.name} of earlier backups {fault.problem}; it was written anew for this one")
    if done.written_anew:
        note("which backups are damaged tells: mlmcsc backup scrub")
    return FINDING if done.left_out or done.written_anew or done.not_recorded else OK


def _show(done: BackupReport) -> None:
    facts(
        {
            "backup": done.name,
            "path": done.path,
            "state of": done.taken_at,
            "files": f"{done.n_files:,}",
            "size": size(done.n_bytes),
            "stored": f"{size(done.stored_bytes)}, of which new {size(done.new_bytes)}",
            "took": f"{done.seconds:.1f} s, {done.rate:,.0f} MB/s",
            "encrypted": done.encrypted,
            "images": done.with_images,
            "read back": _read_back(done),
        }
    )


def _read_back(done: BackupReport) -> str:
    if done.verified:
        return "all"
    if done.n_unread == done.n_files:
        return "nothing"
    return f"all but {counted(done.n_unread, 'file')} of earlier backups, read within a week"
