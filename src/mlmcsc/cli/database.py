"""`mlmcsc database`: create, look at, check."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from mlmcsc.cli.command import Group
from mlmcsc.cli.confirming import agreed
from mlmcsc.cli.exits import FINDING, OK
from mlmcsc.cli.output import (
    Column,
    attribute,
    counted,
    duration,
    facts,
    note,
    print_json,
    say,
    size,
    table,
)
from mlmcsc.cli.progress import progress
from mlmcsc.cli.session import Session

if TYPE_CHECKING:
    from mlmcsc.domain.backups.drills import BackupStanding
    from mlmcsc.domain.results import Finding, Repair, SystemHealth
    from mlmcsc.manager import DatabaseManager


@click.group("database", cls=Group)
def group() -> None:
    """Create, look at and check the database."""


OPENED = {
    "created": "created",
    "upgraded": "upgraded to this release's schema",
    "current": "already there and current; nothing was changed",
}


@group.command(
    "init",
    example="""
        database init
        --database sqlite:///charpy.db database init --label-range 0 100
        --database postgresql://lab@host/mlmcsc database init
    """,
)
@click.option(
    "--label-range",
    nargs=2,
    type=float,
    metavar="LOW HIGH",
    help="Lowest and highest label of a new database; 0 1 unless configured.",
)
@click.pass_obj
def init(session: Session, label_range: tuple[float, float] | None) -> None:
    """Create the database, or upgrade it; doing it again changes nothing.

    A database of the original system is recognised, backed up and adopted.
    """
    with session.open(label_range=label_range, tell_creation=False, tell_adoption=False) as db:
        if session.json:
            print_json(
                {
                    "url": db.url,
                    "opened": db.opened,
                    "label_range": db.label_range,
                    "master_key": db.vault_keys.state().place,
                    "adoption": db.adoption,
                }
            )
            return
        how = "adopted from the original system" if db.adoption else OPENED[db.opened]
        say(f"{db.url}: {how}")
        say(f"labels range from {db.label_range[0]:g} to {db.label_range[1]:g}")
        if db.opened != "current" or db.adoption:
            place = db.vault_keys.state().place
            note(f"names are encrypted; the master key is in {place}: back it up, elsewhere")
        _show_adoption(db)


def _show_adoption(db: DatabaseManager) -> None:
    """Account for every row of a database of the original system, once it is adopted."""
    if db.adoption is not None:
        from mlmcsc.domain.adoption import render  # noqa: PLC0415  # not for --help

        click.echo(render(db.adoption), nl=False)


@group.command("status", example="database status\n--json database status")
@click.pass_obj
def status(session: Session) -> int:
    """Say how the database is: sizes, rows, checks.

    Exits 0 when it is healthy or degraded (works, needs care) and 1 when it is failing.
    """
    with session.open(tell_adoption=False) as db:
        health = db.get_system_health()
        if session.json:
            print_json(health.to_dict() | {"adoption": db.adoption})
        else:
            _show_health(health)
            _show_adoption(db)
    return FINDING if health.status == "failing" else OK


def _show_health(health: SystemHealth) -> None:
    low, high = health.label_range
    facts(
        {
            "status": health.status,
            "database": health.url,
            "system": health.database,
            "schema": health.schema_revision,
            "label range": f"{low:g} to {high:g}",
            "size": size(health.database_bytes),
            "disk free": size(health.disk_free_bytes),
            "active model": health.active_model or "none chosen",
            **_backup_facts(health.backup),
        }
    )
    rows: list[tuple[str, int]] = [*health.tables.items(), *health.coverage.items()]
    table(
        [
            Column("rows in", lambda row: row[0].replace("_", " ")),
            Column("count", lambda row: f"{row[1]:,}", right=True),
        ],
        rows,
    )
    table(
        [
            attribute("name", "check", whole=True),
            attribute("status", whole=True),
            attribute("message"),
        ],
        health.checks,
    )


def _backup_facts(backup: BackupStanding | None) -> dict[str, str | None]:
    if backup is None:
        return {}
    last = drill = recovery = None
    if backup.last_good is not None:
        last = f"{backup.last_good}, {backup.age_hours:.1f} h ago, in {backup.place}"
    if backup.drilled is not None:
        verdict = "restored whole" if backup.drill_passed else "NOT restored"
        drill = f"{backup.drilled}, {verdict}, {backup.drilled_at:%Y-%m-%d %H:%M} UTC"
    if backup.rto_seconds is not None:
        rpo = duration(backup.rpo_seconds) if backup.rpo_seconds is not None else "unknown"
        recovery = f"RTO {duration(backup.rto_seconds)}, RPO {rpo}, as measured"
    return {"last backup": last or "none", "last drill": drill or "none", "recovery": recovery}


@group.command(
    "validate",
    example="""
        database validate
        database validate --hash
        database validate --fix --yes
    """,
)
@click.option("--hash", "hash_files", is_flag=True, help="Read every image file and compare it.")
@click.option("--fix", is_flag=True, help="Offer the safe repairs; measured values stay as is.")
@click.option("--yes", is_flag=True, help="With --fix: repair without asking.")
@click.pass_obj
def validate(session: Session, *, hash_files: bool, fix: bool, yes: bool) -> int:
    """Look for orphans, missing or changed files, broken ranges, stale caches.

    Exits 0 when all is well and 1 when something was found that is not mended.
    """
    with session.open() as db:
        with progress() as report:
            found = db.maintenance.validate(hash_files=hash_files, progress=report)
        if not session.json:
            _show_findings(found, db, offered=fix)
        mended: Sequence[Repair] = ()
        left = found
        safe = sum(f.repair is not None for f in found)
        question = f"Carry out {counted(safe, 'repair')}?"
        if fix and safe and agreed(question, given=yes, option="--yes"):
            mended = db.maintenance.repair(found)
            left = db.maintenance.validate(hash_files=hash_files)
        if session.json:
            print_json({"findings": found, "repairs": mended, "left": left})
        elif mended:
            _show_repairs(mended, left)
    return FINDING if left else OK


SHOWN_IDS = 5


def _show_finding(found: Finding) -> None:
    more = " …" if found.count > SHOWN_IDS else ""
    ids = ", ".join(map(str, found.ids[:SHOWN_IDS])) + more
    title = f"{found.check}: {found.table}, {counted(found.count, 'row')}"
    facts({"ids": ids or None, "what": found.message, "safe repair": found.repair or "none"}, title)
    say("")


def _show_findings(found: Sequence[Finding], db: DatabaseManager, *, offered: bool) -> None:
    if not found:
        say(f"{db.url}: nothing is wrong")
        return
    for finding in found:
        _show_finding(finding)
    say(counted(len(found), "finding"))
    if not offered and any(f.repair for f in found):
        note("add --fix to be offered the safe repairs")


def _show_repairs(mended: Sequence[Repair], left: Sequence[Finding]) -> None:
    table(
        [
            attribute("check"),
            Column("mended", lambda r: f"{r.count:,}", right=True),
            Column("left alone", lambda r: f"{r.left:,}", right=True),
            attribute("message", "what was done"),
        ],
        mended,
    )
    say(f"{counted(len(left), 'finding')} left" if left else "nothing is wrong any more")
