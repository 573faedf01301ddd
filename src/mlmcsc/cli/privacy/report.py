"""`mlmcsc privacy report|record`: how things stand, and the record of processing activities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.exits import FINDING, OK
from mlmcsc.cli.output import as_json, facts, print_json, say
from mlmcsc.cli.session import Session

if TYPE_CHECKING:
    from mlmcsc.domain.privacy.report import PrivacyReport


@click.command(
    "report",
    cls=Command,
    example="""
        privacy report
        privacy report --output privacy-2026-11.json
    """,
)
@click.option("--output", metavar="FILE.json", help="Write it to a file too.")
@click.pass_obj
def report(session: Session, output: str | None) -> int:
    """Show how the database stands with regard to people's rights.

    Exit 1 when something needs action: an overdue request, personal text in clear, an interrupted
    erasure or key rotation, a lost key, a restored backup in which an erasure is undone, or an
    erasure ledger that is missing, cut or changed.
    """
    with session.open() as db:
        found = db.privacy_report.generate()
    if output is not None:
        _write(output, as_json(found) + "\n")
    if session.json:
        print_json(found)
    else:
        _print(found)
    return OK if found.is_fine else FINDING


@click.command(
    "record",
    cls=Command,
    example="""
        privacy record --controller 'Lab GmbH, Weg 1, Ulm' --officer dpo@lab.example
        privacy record --output record.md
        privacy record --output record.json
    """,
)
@click.option("--controller", metavar="NAME", help="Name and contact of the controller.")
@click.option("--officer", metavar="CONTACT", help="Contact of the data protection officer.")
@click.option("--output", metavar="FILE", help="A file .md or .json, in place of the screen.")
@click.pass_obj
def record(
    session: Session, controller: str | None, officer: str | None, output: str | None
) -> None:
    """Print the record of processing activities (GDPR Art. 30).

    Made from the privacy tags of the columns and the retention periods in force.
    """
    from mlmcsc.domain.privacy.article30_text import to_markdown  # noqa: PLC0415  # not for --help

    if output is not None and not output.endswith((".md", ".json")):
        raise click.UsageError(f"--output {output}: give a name that ends in .md or .json")
    with session.open() as db:
        made = db.privacy_report.processing_record(controller, officer)
    in_json = session.json if output is None else output.endswith(".json")
    text = as_json(made) + "\n" if in_json else to_markdown(made)
    if output is None:
        click.echo(text, nl=False)
    else:
        _write(output, text)
        say(f"written: {output}")


commands = (report, record)


def _write(output: str, text: str) -> None:
    from pathlib import Path  # noqa: PLC0415  # not for --help

    from mlmcsc.adapters.tabular import draft  # noqa: PLC0415  # likewise

    with draft(Path(output)) as made:
        made.path.write_text(text, encoding="utf-8")
        made.publish()


def _print(found: PrivacyReport) -> None:
    for title, values in _sections(found).items():
        facts({name: _words(value) for name, value in values.items()}, title=title)
        say("")
    if found.is_fine:
        click.secho("Nothing needs action.", fg="green", bold=True)
        return
    click.secho("Needs action:", fg="red", bold=True)
    for line in found.to_do:
        say(f"  - {line}")


def _words(value: Any) -> Any:
    if isinstance(value, dict):
        return ", ".join(f"{name} {count:,}" for name, count in value.items()) or "none"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return "never" if value is None else value


def _sections(found: PrivacyReport) -> dict[str, dict[str, Any]]:
    people, requests, keys, audit = found.people, found.requests, found.keys, found.audit
    return {
        "People": {
            "known": people.known,
            "technicians": people.technicians,
            "erased": people.erased,
            "restricted": people.restricted,
            "under legal hold": people.held,
            "not in the vault": people.outside,
        },
        "Requests": {
            "open": requests.open,
            "overdue": requests.overdue,
            "next due (UTC)": requests.next_due or "-",
            "answered in time": requests.answered_in_time,
            "answered late": requests.answered_late,
        },
        "Erasure and retention": {
            "erasures finished": found.erasures_finished,
            "interrupted": found.erasures_unfinished,
            "undone by a restored backup": (
                "not known" if found.unreplayed is None else found.unreplayed
            ),
            "beyond their period": found.retention_due,
            "of these held": found.retention_held,
        },
        "Where personal data lies": {
            "in clear": found.in_clear,
            "archives": found.archives,
            "exports on record": found.exports,
            "columns without a tag": found.untagged,
        },
        "Master key": {
            "place": keys.place,
            "current": keys.current or "not here",
            "older, still here": keys.retired,
            "people under an older key": keys.older,
            "missing": keys.missing,
        },
        "Audit trail": {
            "events": audit.events,
            "last checkpoint (UTC)": audit.last_checkpoint,
            "it covers": audit.last_size,
        },
        "Record of processing (Art. 30)": {
            "made from tags and settings (UTC)": found.record_made_at
        },
    }
