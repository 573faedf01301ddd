"""`mlmcsc audit verify|checkpoint|prove`, and the evidence that `audit export` writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from mlmcsc.cli.command import Command
from mlmcsc.cli.output import Column, attribute, counted, facts, note, print_json, say, size, table
from mlmcsc.cli.progress import progress
from mlmcsc.cli.session import Session
from mlmcsc.errors import IntegrityError

if TYPE_CHECKING:
    from mlmcsc.domain.audit.checkpoint import Checkpoint
    from mlmcsc.domain.audit.findings import AuditReport

F = TypeVar("F", bound=Callable[..., Any])

FINDINGS = [
    Column("event", lambda f: f.event_id, right=True),
    Column("place", lambda f: f.seq, right=True),
    attribute("what", "what is wrong"),
]


@click.command(
    "verify",
    cls=Command,
    example="""
        audit verify
        audit verify --checkpoint /mnt/usb/checkpoint.json
        audit verify --public-key 320d61630c803704044879e08b2c7431bcf0bcdc747d67f26c9dc8eb4c417b65
    """,
)
@click.option(
    "--checkpoint",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="A checkpoint kept outside: with it, a rollback of the whole database is found.",
)
@click.option("--public-key", metavar="HEX", help="The signing key as you know it.")
@click.pass_obj
def verify(session: Session, *, checkpoint: str | None, public_key: str | None) -> int:
    """Recompute every commitment, leaf and root of the trail; compare with all checkpoints.

    Exits 0 when the trail is intact, 1 when it was tampered with, 2 when nobody can tell: no
    checkpoint covers it, or the checkpoint or key given is of another database.
    """
    try:
        with session.open() as db, progress() as report:
            found = db.audit_proof.verify(
                checkpoint, public_key, lambda done, total: report("Verifying", done, total)
            )
    except IntegrityError as error:  # too damaged to be opened: that is the verdict
        return _tampered(session, str(error))
    if session.json:
        print_json({**found.to_dict(), "events_per_second": found.events_per_second})
    else:
        _show_report(found)
    return found.exit_code


def _tampered(session: Session, what: str) -> int:
    if session.json:
        print_json({"verdict": "tampered", "findings": [{"what": what}], "n_findings": 1})
    else:
        facts({"verdict": "tampered", "what is wrong": what})
    return 1


def _show_report(found: AuditReport) -> None:
    facts(
        {
            "verdict": f"{found.verdict}{_how_far(found)}",
            "events": f"{found.events:,}, {found.events_per_second:,.0f} a second",
            "under a checkpoint": f"{found.covered:,}",
            "after it": f"{found.tail:,}",
            "newest checkpoint": found.newest,
            "checkpoints": f"{found.checkpoints:,}",
            "key": f"{found.key_id}, from the {found.key_from}",
            "redacted, told of": f"{found.redacted_who:,} who, {found.redacted_payload:,} payload",
        }
    )
    if found.findings:
        table(FINDINGS, found.findings, counted(found.n_findings, "finding"))
    if found.n_findings > len(found.findings):
        note(f"the first {len(found.findings):,} are shown")
    for doubt in found.doubts:
        note(f"cannot tell: {doubt}")
    note("indexes, by which events are listed, are compared by `database validate`")


def _how_far(found: AuditReport) -> str:
    if found.external or found.exit_code:
        return ""
    return (
        ", as far as the database itself tells: that it was rolled back or rewritten since a "
        "checkpoint outside cannot be excluded; add --checkpoint FILE"
    )


@click.command(
    "checkpoint",
    cls=Command,
    example="""
        audit checkpoint
        audit checkpoint --output /mnt/usb/checkpoint-2026-11-23.json
    """,
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write it here too, to be kept where the database's owner cannot change it.",
)
@click.option(
    "--overwrite", is_flag=True, help="Replace an earlier checkpoint of this database there."
)
@click.pass_obj
def checkpoint(session: Session, *, output: str | None, overwrite: bool) -> None:
    """Sign the trail as it is now: whatever is changed before this point is found afterwards."""
    with session.open() as db:
        signed = db.audit_proof.checkpoint(output, overwrite=overwrite)
    if session.json:
        print_json(signed)
        return
    _show_checkpoint(signed)
    if output is not None:
        note(f"written to {output}; keep it outside this computer")
    else:
        note("kept in the database alone; add --output FILE and keep the file elsewhere")


def _show_checkpoint(signed: Checkpoint) -> None:
    facts({name.replace("_", " "): value for name, value in signed.to_dict().items()})


def subject(command: F) -> F:
    """The options that say whose evidence is wanted."""
    for option in (
        click.option("--model", metavar="VERSION", help="Of this model version."),
        click.option("--dataset", metavar="VERSION", help="Of this data version."),
        click.option("--specimen", metavar="ID", help="Of this specimen and all its images."),
    ):
        command = option(command)
    return command


def export_evidence(
    session: Session,
    output: str,
    *,
    specimen: str | None = None,
    dataset: str | None = None,
    model: str | None = None,
    who: bool = False,
    overwrite: bool = False,
) -> None:
    """Write evidence for the one record that is named, and say so.

    Raises:
        click.UsageError: None or several are named.
    """
    kind, name = _one_of(specimen, dataset, model)
    with session.open() as db, progress() as report:
        made = db.audit_proof.evidence(
            kind,
            name,
            output,
            who=who,
            overwrite=overwrite,
            progress=lambda done, total: report("Proving", done, total),
        )
    if session.json:
        print_json({**made.to_dict(), "checkpoint": made.checkpoint})
        return
    say(f"{counted(made.events, 'event')} of {kind} {name} in {made.path} ({size(made.bytes)})")
    say(f"SHA-256 {made.sha256}")
    note(f"to check it: unpack and run python3 verify.py; key {made.checkpoint.key_id}")


def _one_of(
    specimen: str | None, dataset: str | None, model: str | None
) -> tuple[Literal["specimen", "dataset", "model"], str]:
    match specimen, dataset, model:
        case str(), None, None:
            return "specimen", specimen
        case None, str(), None:
            return "dataset", dataset
        case None, None, str():
            return "model", model
    raise click.UsageError("name one of --specimen, --dataset and --model")


@click.command(
    "prove",
    cls=Command,
    example="""
        audit prove 17
        --json audit prove 17
        audit prove --since-size 1200
    """,
)
@click.argument("event_id", type=click.IntRange(1), required=False)
@click.option(
    "--since-size",
    type=click.IntRange(1),
    metavar="N",
    help="Instead: that the trail still begins with the checkpoint of N events.",
)
@click.pass_obj
def prove(session: Session, *, event_id: int | None, since_size: int | None) -> None:
    """Print the proof that event EVENT_ID is in the newest checkpoint's tree (RFC 6962)."""
    if (event_id is None) == (since_size is None):
        raise click.UsageError("give an event's id or --since-size, one of the two")
    with session.open() as db:
        proof: Any = (
            db.audit_proof.consistency_proof(since_size)
            if since_size is not None
            else db.audit_proof.inclusion_proof(event_id or 0)
        )
    if session.json:
        print_json(proof)
        return
    told = proof.to_dict()
    path, signed = told.pop("path"), told.pop("checkpoint")
    facts({name.replace("_", " "): value for name, value in told.items()})
    table([Column("hash", str)], path, "path to the root")
    facts({name.replace("_", " "): value for name, value in signed.items()}, "checkpoint")


commands = (verify, checkpoint, prove)
