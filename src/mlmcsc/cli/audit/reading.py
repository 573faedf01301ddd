"""`mlmcsc audit list|show|search|export`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mlmcsc.cli.audit.proof import export_evidence, subject
from mlmcsc.cli.audit.views import show_event, show_events, show_history
from mlmcsc.cli.command import Command
from mlmcsc.cli.output import counted, note, print_json, say, size
from mlmcsc.cli.paging import given
from mlmcsc.cli.progress import progress
from mlmcsc.cli.session import Session
from mlmcsc.cli.words import Moment
from mlmcsc.domain.enums import Operation

if TYPE_CHECKING:
    from mlmcsc.domain.audit.records import EventPage

F = TypeVar("F", bound=Callable[..., Any])


def filters(command: F) -> F:
    """The options that narrow what is read."""
    for option in (
        click.option("--until", type=Moment(), help="Before this time."),
        click.option("--since", type=Moment(), help="At or after this time."),
        click.option(
            "--operation",
            "operations",
            type=click.Choice([str(each) for each in Operation], case_sensitive=False),
            multiple=True,
            metavar="WORD",
            help="What was done, such as UPDATE or EXPORT; may be given again.",
        ),
        click.option(
            "--actor",
            metavar="NAME",
            help="Who did it: login, staff number or subject id; finds redacted events too.",
        ),
        click.option(
            "--record",
            "record_id",
            type=click.IntRange(1),
            metavar="ID",
            help="Changes of this row alone, with --table; `audit show` tells batches too.",
        ),
        click.option("--table", metavar="TABLE", help="To which table, such as labels."),
    ):
        command = option(command)
    return command


def paging(command: F) -> F:
    """The options of every list of events."""
    for option in (
        click.option(
            "--before", "before_id", type=click.IntRange(0), metavar="ID", help="Before this event."
        ),
        click.option(
            "--after", "after_id", type=click.IntRange(0), metavar="ID", help="After this event."
        ),
        click.option("--oldest-first", is_flag=True, help="The other way round."),
        click.option(
            "--limit",
            type=click.IntRange(1),
            metavar="N",
            help="Most events to show; else performance.page_size.",
        ),
    ):
        command = option(command)
    return command


@click.command(
    "list",
    cls=Command,
    example="""
        audit list
        audit list --actor tech_001 --since 2026-11-01 --operation UPDATE --operation DELETE
        audit list --table labels --record 12
        --json audit list --oldest-first --after 5000
    """,
)
@filters
@paging
@click.pass_obj
def list_events(session: Session, /, *, limit: int | None, oldest_first: bool, **rest: Any) -> None:
    """List events, newest first."""
    limit = limit or session.load_config().performance.page_size
    with session.open() as db:
        page = db.audit.list(limit=limit, oldest_first=oldest_first, **given(**rest))
    _print_page(session, page, oldest_first=oldest_first)


@click.command(
    "search",
    cls=Command,
    example="""
        audit search 'counted as cleavage'
        audit search lund --table technicians --since 2026-01-01
    """,
)
@click.argument("text")
@filters
@paging
@click.pass_obj
def search(
    session: Session, /, *, text: str, limit: int | None, oldest_first: bool, **rest: Any
) -> None:
    """Find TEXT in reasons, values and names, whatever its case.

    Looks at every event that the filters leave; what you may not see is not found.
    """
    limit = limit or session.load_config().performance.page_size
    with session.open() as db, progress() as report:
        page = db.audit.search(
            text,
            limit=limit,
            oldest_first=oldest_first,
            progress=lambda done, total: report("Looking at events", done, total or done),
            **given(**rest),
        )
    _print_page(session, page, oldest_first=oldest_first)


def _print_page(session: Session, page: EventPage, *, oldest_first: bool) -> None:
    if session.json:
        print_json(page)
        return
    show_events(page)
    if not page.items:
        note("nothing to show")
    elif page.next_cursor is not None:
        way = "--after" if oldest_first else "--before"
        note(f"there is more: add {way} {page.next_cursor}")


@click.command(
    "show",
    cls=Command,
    example="""
        audit show image 7
        audit show label 12
        audit show technician tech_001
        audit show specimen SPEC_001
        audit show model v1.0
        audit show 123
    """,
)
@click.argument("what", metavar="[WHAT]")
@click.argument("which", metavar="ID", required=False)
@click.pass_obj
def show(session: Session, what: str, which: str | None) -> None:
    """Tell the whole history of a record, also of one that is gone; or one event in full.

    WHAT is a table, singular or plural; ID is a number or a name: staff number, specimen number,
    version, path. A number alone is an event's. An image's history holds its arrival, specimen,
    labels, predictions, features, corrections and verifications, in their order.
    """
    what, which = _what_and_which(what, which)
    with session.open() as db:
        if what in {"event", "events"}:
            detail = db.audit.get(_event_id(which))
            print_json(detail) if session.json else show_event(detail)
            return
        history = db.audit.history(what, which)
    if session.json:
        print_json(history)
    else:
        show_history(history)


def _what_and_which(what: str, which: str | None) -> tuple[str, str]:
    if which is not None:
        return what, which
    if what.isdecimal():
        return "event", what
    raise click.UsageError(f"which {what}? Add its number or name: `audit show {what} 7`")


def _event_id(word: str) -> int:
    try:
        return int(word)
    except ValueError:
        raise click.UsageError(f"{word!r} is no event's number; `audit list` shows them") from None


@click.command(
    "export",
    cls=Command,
    example="""
        audit export trail.csv
        audit export november.jsonl --since 2026-11-01 --until 2026-12-01
        audit export labels.parquet --table labels --overwrite
        audit export SPEC_001.zip --evidence --specimen SPEC_001
        audit export model.zip --evidence --model v1.0 --who
    """,
)
@click.argument("file", type=click.Path(dir_okay=False))
@filters
@click.option("--format", "file_format", help="csv, jsonl or parquet, when the name does not tell.")
@click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
@click.option(
    "--evidence",
    is_flag=True,
    help="Write a ZIP that proves one record's events offline, with its own verifier.",
)
@subject
@click.option("--who", is_flag=True, help="Evidence that discloses who did it, and why.")
@click.pass_obj
def export(session: Session, /, *, file: str, evidence: bool, **options: Any) -> None:
    """Write events to FILE (.csv, .jsonl or .parquet), oldest first; the trail keeps that too.

    With --evidence and a specimen, dataset or model, FILE is a ZIP for a third party: the events,
    their proofs, a signed checkpoint and verify.py, which needs Python alone. People appear by
    random ids, unless --who discloses logins and reasons; sealed texts stay sealed.
    """
    who, overwrite = options.pop("who"), options.pop("overwrite")
    named = given(**{kind: options.pop(kind) for kind in ("specimen", "dataset", "model")})
    if not evidence:
        if named or who:
            raise click.UsageError("--specimen, --dataset, --model and --who go with --evidence")
        _export_events(session, file, overwrite=overwrite, **options)
        return
    if narrowed := [name for name, value in options.items() if value]:
        raise click.UsageError(f"evidence holds every event of the record: leave {narrowed[0]} out")
    export_evidence(session, file, **named, who=who, overwrite=overwrite)


def _export_events(
    session: Session, file: str, *, file_format: Any, overwrite: bool, **wanted: Any
) -> None:
    with session.open() as db, progress() as report:
        result = db.audit.export(
            file,
            format=file_format,
            overwrite=overwrite,
            progress=lambda done, total: report("Exporting", done, total or done),
            **given(**wanted),
        )
    if session.json:
        print_json(result)
    else:
        events = counted(result.events, "event")
        say(f"{events} written to {result.path} ({size(result.bytes)})")
        say(f"SHA-256 {result.sha256}")


commands = (list_events, show, search, export)
