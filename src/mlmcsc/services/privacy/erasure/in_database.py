"""The step in which the person goes from the database: one transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.privacy.erasure import LabelChoice
from mlmcsc.domain.privacy.mentions import Mentions
from mlmcsc.domain.privacy.places import tagged_places
from mlmcsc.domain.privacy.tags import EraseAction
from mlmcsc.services.privacy.erasure.carried import Carried
from mlmcsc.store.queries.erasure import deeds, exports, held, mentions, people, saga, trail
from mlmcsc.store.queries.erasure.people import Person
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store, Transaction

PROGRAM = "mlmcsc"
"""Who finishes what a person began that erases themselves."""


def acting(actor: Actor, identifiers: tuple[str, ...]) -> Actor:
    """In whose name an erasure is done: its events must not name the person again.

    The actor's reason, which may, is kept with the first event only, without the names.
    """
    if actor.subject in identifiers:
        return replace(actor, subject=PROGRAM, reason=None, ip=None, user_agent=None)
    return replace(actor, reason=None)


def count(view: View, person: Person, labels: LabelChoice) -> dict[str, int]:
    """Rows of each place that an erasure would change or remove."""
    words = Mentions(person.identifiers)
    counts = deeds.count(view, person, labels)
    own = deeds.dealt_with(person, labels)
    for place, number in mentions.clear(view, words, change=False, without=own).items():
        counts[place] = counts.get(place, 0) + number
    return counts | trail.count(view, person, words)


def erase(db: Store, actor: Actor, subject_id: str) -> None:
    """Erase the person, unless that was done; see `mlmcsc.domain.privacy.erasure.erasure_plan`.

    Raises:
        HeldError: A legal hold was placed meanwhile.
        MissingKeyError: The master key is not here; nothing was changed.
    """
    with db.read() as view:
        begun = saga.of_subject(view, subject_id)
        person = people.find(view, subject_id)
    if begun is None or begun.step("database") is not None:
        return
    names = person.identifiers if person else tuple(filter(None, [begun.identifier]))
    with db.write(acting(actor, names)) as tx:
        begun = saga.lock(tx, subject_id)
        if begun.step("database") is None:
            _erase(tx, begun, people.find(tx, subject_id))


def _erase(tx: Transaction, begun: saga.Saga, found: Person | None) -> None:
    called = tuple(filter(None, [begun.identifier]))
    person = found or Person(
        begun.identifier or "", begun.technician_row, begun.subject_id, (), called
    )
    held.refuse_held(tx, person, begun.labels)
    pseudonym = str((begun.step("started") or {})["pseudonym"])
    words = Mentions(person.identifiers)
    carried = Carried(person.identifiers, tuple(exports.of(tx, person)))
    done: dict[str, Any] = {"carried": carried.sealed(tx, begun.subject_id)}
    counts = deeds.apply(tx, person, pseudonym, begun.labels)
    for place, number in mentions.clear(tx, words, change=True).items():
        counts[place] = counts.get(place, 0) + number
    counts |= trail.redact(tx, person, words)
    if person.technician_row is not None:
        counts["technicians.is_active"] = 1  # by the first step
    counts |= deeds.destroy_keys(tx, person.subject_ids)
    left = mentions.unreachable(tx, words, _staying())
    done |= {
        "counts": {place: number for place, number in counts.items() if number},
        "named_in_paths": left,
        "names_not_searched": len(words.ambiguous),
    }
    saga.add_step(tx, begun, "database", done)
    told = {"step": "database", "counts": done["counts"], "ground": words.removed(begun.ground)}
    n_rows = max(counts.values(), default=0)
    tx.record(AuditEvent(Operation.ERASE, "erasures", begun.id, None, told, n_rows=n_rows))


def _staying() -> list[tuple[str, str]]:
    """Personal columns that keep their value, such as paths."""
    return [
        (table, column)
        for table, column, tag in tagged_places()
        if tag.personal and tag.action is EraseAction.KEEP
    ]
