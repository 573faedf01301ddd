"""How the plan of an erasure and its outcome are shown."""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_lowercase
from typing import TYPE_CHECKING

from mlmcsc.cli.output import Column, attribute, counted, facts, note, print_json, say, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mlmcsc.cli.session import Session
    from mlmcsc.domain.privacy.erased import ErasedField, ErasureReport


@dataclass(frozen=True, slots=True)
class PlanLine:
    """Columns of one table that meet the same fate."""

    where: str
    action: str
    rows: int
    done: str
    ground: str


PLAN = (
    attribute("where", "what"),
    attribute("action", whole=True),
    Column("rows", lambda line: f"{line.rows:,}", right=True),
    attribute("done", "what happens"),
    attribute("ground", "by", whole=True),
)
STEPS = (
    Column("step", lambda step: step["step"], whole=True),
    Column("at (UTC)", lambda step: step["at"], whole=True),
)


def show_plans(session: Session, plans: Sequence[ErasureReport]) -> None:
    """What would be done to each person."""
    if session.json:
        print_json(list(plans))
        return
    for plan in plans:
        show_plan(session, plan)
    if not plans:
        say("nothing is to do")


def show_plan(session: Session, plan: ErasureReport) -> None:
    """What would be done, where there is something of the person."""
    if session.json:
        print_json(plan)
        return
    if plan.refused:
        note(f"left: {plan.subject_id}: {plan.refused}")
        return
    touched = [field for field in plan.fields if field.count]
    grounds = dict(zip(dict.fromkeys(field.ground for field in touched), ascii_lowercase))  # noqa: B905  # letters are plenty
    table(PLAN, _lines(touched, grounds), title=f"Erasure of {plan.subject_id or 'the person'}")
    say("")
    for ground, letter in grounds.items():
        say(f"{letter}  {ground}")
    rest = len(plan.fields) - len(touched)
    say(
        f"In {counted(rest, 'further column')} there is nothing of the person, or what stays bears "
        "a random id only; --json lists them."
    )
    _tell_outside(plan)
    _tell_not_reached(plan)


def _lines(fields: Iterable[ErasedField], grounds: Mapping[str, str]) -> list[PlanLine]:
    alike: dict[tuple[str, str, str, str, int], list[str]] = {}
    for field in fields:
        fate = (field.table, field.action, field.done, field.ground, field.count or 0)
        alike.setdefault(fate, []).append(field.column)
    return [
        PlanLine(f"{where}: {', '.join(columns)}", action, rows, done, grounds[ground])
        for (where, action, done, ground, rows), columns in alike.items()
    ]


def show_done(session: Session, done: ErasureReport) -> None:
    """What was done, and what no program can reach."""
    if session.json:
        print_json(done)
        return
    if done.refused:
        note(f"left: {done.subject_id}: {done.refused}")
        return
    table(STEPS, done.steps)
    say("")
    facts(
        {
            "person": done.subject_id,
            "labels": "kept as anonymous ones" if done.labels == "keep" else "deleted",
            "ground": done.ground,
            "request": done.request_id,
            "erased": done.finished_at,
        }
    )
    _tell_outside(done)
    _tell_not_reached(done)
    for path, why in done.exports_left.items():
        note(f"not deleted: {path}: {why}")
    if done.resumed:
        note(f"interrupted erasures finished on the way: {', '.join(done.resumed)}")
    tell_refused(done.unfinished)


def _tell_outside(report: ErasureReport) -> None:
    tense = "to be " if report.dry_run else ""
    for what, names in (
        ("deleted, as it holds the person's data", report.files),
        ("written anew: archive", report.archives),
        (
            "redacted: data version",
            [f"{name}, {counted(rows, 'row')}" for name, rows in report.versions.items()],
        ),
        ("emptied: cache folder", report.caches),
    ):
        for name in names:
            say(f"{tense}{what}: {name}")


def _tell_not_reached(report: ErasureReport) -> None:
    for line in report.not_reached:
        note(f"not reached: {line}")


def tell_refused(refused: Mapping[str, str]) -> None:
    """Who is still to be erased, and why it could not be done."""
    for who, why in refused.items():
        note(f"not erased yet: {who}: {why}")
