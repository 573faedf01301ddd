"""The oracle: what is in the world after a fault, against what was acknowledged before it."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from pathlib import Path

from journal import Told
from operations.laboratory import rows_of
from operations.operation import Operation

from mlmcsc import DatabaseManager
from mlmcsc.domain.audit.findings import Verdict
from mlmcsc.errors import MlmcscError


def judge(operation: Operation, place: Path, told: Told, *, thorough: bool) -> list[str]:
    """What is wrong, each with its kind before a colon; empty when nothing is.

    First what lies there is looked at as it is, then the interrupted unit is done again, which
    must succeed and tidy up; then everything is looked at once more.

    Args:
        operation: Which.
        place: The world.
        told: What was acknowledged.
        thorough: Whether `database validate` is asked, too; it takes longer than all the rest.
    """
    try:
        return _judged(operation, place, told, thorough=thorough)
    except Exception:  # noqa: BLE001  # what cannot even be looked at
        return [f"lost: it cannot be judged: {traceback.format_exc()}"]


def _judged(operation: Operation, place: Path, told: Told, *, thorough: bool) -> list[str]:
    if told.traceback is not None:
        return [f"unclear: an error that nobody meant: {told.traceback}"]
    unit, units = told.in_flight, {*told.promises, told.begun} - {None}
    files = sorted({operation.database(place, each) for each in units})
    problems = _torn(_storage(files)) + _lost(operation.kept(place, told.promises))
    if unit is None:
        return problems + _torn(_by_our_own_word(files[-1], thorough=thorough))
    problems += _torn(operation.torn(place, unit, refused=told.refusal is not None))
    try:
        promise = operation.again(place, unit)
    except MlmcscError as error:
        return [*problems, f"stuck: the same call is refused: {type(error).__name__}: {error}"]
    except Exception:  # noqa: BLE001  # told as a finding
        return [*problems, f"stuck: the same call fails: {traceback.format_exc()}"]
    last = operation.database(place, unit)
    problems += _lost(operation.kept(place, {unit: promise}))
    problems += _torn(_storage([last]) + _by_our_own_word(last, thorough=thorough))
    return problems + [f"left over: {each}" for each in operation.leftovers(place)]


def _lost(told: Iterable[str]) -> list[str]:
    return [f"lost: {each}" for each in told]


def _torn(told: Iterable[str]) -> list[str]:
    return [f"torn: {each}" for each in told]


def _storage(files: Iterable[Path]) -> list[str]:
    """Pages and references, by SQLite's own word."""
    problems = []
    for path in files:
        with rows_of(path) as rows:
            found = rows.execute("PRAGMA integrity_check").fetchall()
            orphans = rows.execute("PRAGMA foreign_key_check").fetchall()
        problems += [f"{path.name}: {row[0]}" for row in found if row[0] != "ok"]
        problems += [f"{path.name}: orphan {tuple(row)}" for row in orphans]
    return problems


def _by_our_own_word(path: Path, *, thorough: bool) -> list[str]:
    """`audit verify` and `database validate`."""
    with DatabaseManager(f"sqlite:///{path}", create=False) as db:
        trail = db.audit_proof.verify()
        found = db.maintenance.validate(hash_files=True) if thorough else ()
    told = [f"{path.name}: {each.check}: {each.message}" for each in found]
    if trail.verdict is Verdict.TAMPERED:
        told.append(f"{path.name}: audit trail: {[f.what for f in trail.findings]}")
    return told
