"""`mlmcsc version verify|status`: whether a version is what it was, and what happened since."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.exits import FINDING, OK
from mlmcsc.cli.output import (
    Column,
    attribute,
    cell,
    counted,
    facts,
    note,
    print_json,
    say,
    size,
    table,
)
from mlmcsc.cli.progress import progress
from mlmcsc.cli.session import Session
from mlmcsc.cli.version.naming import named_versions

if TYPE_CHECKING:
    from mlmcsc.domain.versions.checks import VersionStatus, VersionVerification

FINDINGS = (
    attribute("kind", whole=True),
    attribute("image_id", "image", right=True),
    attribute("what", "what is wrong"),
    attribute("where"),
)


@click.command(
    "verify",
    cls=Command,
    example="""
        version verify v1.0
        version verify v1.0 --quick
        version verify v1.0 --no-images --json
    """,
)
@click.argument("version")
@click.option(
    "--quick", is_flag=True, help="Do not read image files whose size and time are unchanged."
)
@click.option(
    "--images/--no-images", default=True, show_default=True, help="Look at image files too."
)
@click.option("--workers", type=click.IntRange(1, 256), metavar="N", help="Threads that read.")
@click.pass_obj
def verify(
    session: Session, version: str, *, quick: bool, images: bool, workers: int | None
) -> int:
    """Prove that a version is what it was: signature, rows, root, features, every image file.

    Exits 0 when it is intact, 1 when anything is not as it was frozen, 2 when there is no such
    version. The audit trail, on which it rests, is proven by `audit verify`.
    """
    with session.open() as db, named_versions(), progress() as report:
        found = db.version_checks.verify(
            version, quick=quick, images=images, workers=workers, progress=report
        )
    if session.json:
        print_json({"intact": found.intact, **found.to_dict()})
    else:
        _show_verification(found)
    return OK if found.intact else FINDING


def _show_verification(found: VersionVerification) -> None:
    speed = size(found.bytes_read / found.seconds) if found.seconds else None
    looked = f"{found.images:,} looked at, {found.images_read:,} read"
    facts(
        {
            "version": found.version,
            "verdict": "intact" if found.intact else "NOT as it was frozen",
            "root": found.root,
            "rows": f"{found.rows:,} in {counted(found.layers, 'file')}"
            if found.rows
            else "none read",
            "redacted": f"{counted(found.redacted, 'record')} redacted" if found.redacted else None,
            "feature sets": found.features or None,
            "image files": looked if found.images else "not looked at",
            "read": f"{size(found.bytes_read)} in {found.seconds:.1f} s ({speed}/s)",
        }
    )
    if found.findings:
        table(FINDINGS, found.findings, counted(found.n_findings, "finding"))
        for repair in dict.fromkeys(each.repair for each in found.findings):
            say(f"repair: {repair}")
    if found.n_findings > len(found.findings):
        note(f"the first {len(found.findings):,} are shown")
    note("the audit trail itself is proven by: audit verify")


@click.command(
    "status",
    cls=Command,
    example="""
        version status
        version status v1.0 --json
    """,
)
@click.argument("version", required=False)
@click.pass_obj
def status(session: Session, version: str | None) -> None:
    """Tell what has happened since VERSION, or since the newest one.

    Image files are looked at by size and time only; `version verify` reads them.
    """
    with session.open() as db:
        found = db.version_checks.status(version)
    if session.json:
        print_json({"changed": found.changed, **found.to_dict()})
    else:
        _show_status(found)


def _show_status(found: VersionStatus) -> None:
    made = f"{cell(found.created_at)} UTC"
    say(f"{found.version}, {counted(found.rows, 'image')}, of {made}")
    table(
        (
            Column("since then", lambda row: row[0], whole=True),
            *(
                Column(title, lambda row, at=at: row[at], right=True)  # type: ignore[misc]  # bound now
                for at, title in enumerate(("new", "changed", "deleted"), start=1)
            ),
        ),
        (
            ("labels", found.new_labels, found.changed_labels, found.deleted_labels),
            ("images", found.new_images, None, found.deleted_images),
        ),
    )
    trouble = f"{found.changed_files:,} changed, {found.missing_files:,} missing"
    sound = not (found.changed_files or found.missing_files)
    say(f"image files: {'all as they were, by size and time' if sound else trouble}")
    if found.next_auto_in is not None:
        more = counted(found.next_auto_in, "more label change")
        when = f"after {more}" if found.next_auto_in else "now"
        say(f"next automatic version: due {when}, made when `version auto` runs")


commands = (verify, status)
