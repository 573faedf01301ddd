"""The step in which people go from the database: one transaction, one search for them all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.privacy.erasure import LabelChoice, erasure_plan
from mlmcsc.domain.privacy.persons import Person
from mlmcsc.domain.privacy.places import tagged_places
from mlmcsc.domain.privacy.tags import EraseAction
from mlmcsc.services.privacy.erasure.carried import Carried, carried_by
from mlmcsc.store.queries import consensus_withdrawal, persons
from mlmcsc.store.queries.erasure import (
    deeds,
    exports,
    held,
    known,
    locking,
    mentions,
    saga,
    trail,
)
from mlmcsc.store.queries.erasure.naming import Names
from mlmcsc.store.queries.erasure.saga import Saga
from mlmcsc.store.queries.erasure.touched import Touched
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store, Transaction

PROGRAM = "mlmcsc"
"""Who finishes what a person began that erases themselves."""


@dataclass(frozen=True, slots=True)
class Going:
    """Somebody whose erasure was begun."""

    saga: Saga
    person: Person

    @property
    def ids(self) -> tuple[str, ...]:
        """Every subject id of theirs."""
        return tuple(dict.fromkeys((self.saga.subject_id, *self.person.aliases)))


def acting(actor: Actor, identifiers: tuple[str, ...]) -> Actor:
    """In whose name an erasure is done: its events must not name the person again.

    The actor's reason, which may, is kept with the first event only, without the names.
    """
    if actor.subject in identifiers:
        return replace(actor, subject=PROGRAM, reason=None, ip=None, user_agent=None)
    return replace(actor, reason=None)


def count(view: View, people: Sequence[Person], labels: LabelChoice) -> list[dict[str, int]]:
    """Rows of each place that the erasure of each would change or remove."""
    every = {str(number): person for number, person in enumerate(people)}
    # Whose sealed texts nobody can read is erased nevertheless, and the plan is to say how.
    names = Names({who: each.searched for who, each in every.items()}, without_keys=True)
    own = {who: deeds.dealt_with(person, labels) for who, person in every.items()}
    named = mentions.clear(view, names, without=own)
    logged = trail.count(view, every, names)
    return [
        dict(Counter(deeds.count(view, person, labels)) + Counter(named[who])) | logged[who]
        for who, person in every.items()
    ]


def erase(db: Store, actor: Actor, subject_ids: Sequence[str]) -> None:
    """Erase the people, but those who are; see `mlmcsc.domain.privacy.erasure.erasure_plan`.

    Raises:
        HeldError: A legal hold was placed meanwhile; nothing was changed.
        MissingKeyError: The master key is not here; nothing was changed.
    """
    with db.read() as view:
        names = [name for each in _waiting(view, subject_ids) for name in each.person.identifiers]
    with db.write(acting(actor, tuple(names))) as tx:
        saga.lock_table(tx)
        locking.lock_all(tx)  # who writes a name now is waited for, and found
        for subject_id in subject_ids:
            saga.lock(tx, subject_id).refuse_abandoned()
        going = _waiting(tx, subject_ids)
        for each in going:
            held.refuse_held(tx, each.person, each.saga.labels)
        if going:
            _erase(tx, going)


def _waiting(view: View, subject_ids: Sequence[str]) -> list[Going]:
    found = [saga.of_subject(view, subject_id) for subject_id in subject_ids]
    return [
        Going(each, known.person_of(view, each))
        for each in found
        if each is not None and each.step("database") is None
    ]


def _erase(tx: Transaction, going: Sequence[Going]) -> None:
    carried = {
        each.saga.subject_id: Carried(
            each.person.identifiers,
            tuple(exports.of(tx, each.person)),
            each.ids,
            tuple(each.person.shared),
        ).sealed(tx, each.saga.subject_id)
        for each in going
    }
    names = names_of(going)
    spared = under_hold(tx, {each.saga.subject_id: each.person for each in going}, names)
    consensus = {each.saga.subject_id: _without_consensus(tx, each) for each in going}
    counts = _remove(tx, going, names)
    left = mentions.unreachable(tx, names, _staying())
    for each in going:
        who = each.saga.subject_id
        if each.person.technician_row is not None:
            counts[who]["technicians.is_active"] = 1  # by the first step
        done = {
            "carried": carried[who],
            "counts": counts[who],
            "named_in_paths": left[who],
            "names_not_searched": len(names.each[who].ambiguous),
            "names_shared": len(each.person.shared),
            "under_hold": spared[who],
            **consensus[who],
        }
        saga.add_step(tx, each.saga, "database", done, _totals(each.saga.labels, counts[who]))


def _without_consensus(tx: Transaction, each: Going) -> dict[str, int]:
    """Deleted measurements could be computed from what was agreed with the others on an image."""
    row = each.person.technician_row
    if each.saga.labels != "delete" or row is None:
        return {}
    return consensus_withdrawal.erased(tx, row)


def under_hold(view: View, people: Mapping[str, Person], names: Names) -> dict[str, int]:
    """Rows under a legal hold that name each person, and keep what they hold."""
    texts, events = mentions.under_hold(view, names), trail.under_hold(view, people, names)
    return {who: texts[who] + events[who] for who in people}


def left_alone(view: View, person: Person) -> tuple[str, ...]:
    """What of a person stays for others' sake, told to who plans their erasure."""
    names = Names({"": person.searched}, without_keys=True)
    number = under_hold(view, {"": person}, names)[""]
    told = (spared(number),) if number else ()
    return (*persons.ambiguities(view, person), *told)


def spared(number: int) -> str:
    """A line of what was not reached."""
    return f"{number} rows under legal hold keep a mention of the person."


def _remove(tx: Transaction, going: Sequence[Going], names: Names) -> dict[str, dict[str, int]]:
    """Everything of these people; counts of each place by subject id."""
    touched = Touched()
    found = {
        each.saga.subject_id: Counter(
            deeds.apply(tx, each.person, each.saga.pseudonym, each.saga.labels, touched)
        )
        for each in going
    }
    named = mentions.clear(tx, names, touched=touched)
    people = {each.saga.subject_id: each.person for each in going}
    pseudonyms = {each.saga.subject_id: each.saga.pseudonym for each in going}
    logged = trail.redact(tx, people, names, pseudonyms)
    for each in going:
        who = each.saga.subject_id
        found[who].update(named[who])
        found[who].update(logged[who])
        found[who].update(deeds.destroy_keys(tx, each.ids, touched))
    touched.tell(tx)
    return {who: {p: n for p, n in counts.items() if n} for who, counts in found.items()}


def names_of(going: Sequence[Going]) -> Names:
    """The names of all, to be searched for at once."""
    without_keys = any(each.saga.without_keys for each in going)
    return Names(
        {each.saga.subject_id: each.person.searched for each in going},
        without_keys=without_keys,
    )


def again(tx: Transaction, subject_ids: Sequence[str]) -> bool:
    """Measure what is left of people who are erased; erase that too.

    Whoever read a name before may have written it back after the database step. Writers of names
    are kept out until the transaction ends.

    Returns:
        Whether anything was left, so that it has to be measured once more.
    """
    saga.lock_table(tx)
    locking.lock_all(tx)
    going = [_returned(tx, subject_id) for subject_id in subject_ids]
    names = names_of(going)
    left = _measure(tx, going, names)
    if not any(left.values()):
        return False
    _remove(tx, going, names)
    for each in going:
        told = _totals(each.saga.labels, left[each.saga.subject_id])
        saga.forget_step(tx, each.saga, "vacuum", {"step": "found again", **told})
    return True


def _returned(view: View, subject_id: str) -> Going:
    begun = saga.of_subject(view, subject_id)
    if begun is None:
        raise RuntimeError(f"no erasure of {subject_id}")  # rows of that step are never deleted
    carried = carried_by(view, begun) or Carried((), (), ())
    names, ids = carried.identifiers, carried.subject_ids
    return Going(begun, known.returned(view, begun, names, ids, carried.shared))


def _measure(view: View, going: Sequence[Going], names: Names) -> dict[str, dict[str, int]]:
    """What is left of each, by place; nothing of those who are gone."""
    people = {each.saga.subject_id: each.person for each in going}
    named, logged = mentions.clear(view, names), trail.count(view, people, names)
    found = {}
    for each in going:
        begun, who = each.saga, each.saga.subject_id
        rows = deeds.left(view, each.person, begun.pseudonym, begun.labels, each.ids)
        every = Counter(rows) + Counter(named[who]) + Counter(logged[who])
        found[who] = {place: number for place, number in every.items() if number}
    return found


def _totals(labels: LabelChoice, counts: Mapping[str, int]) -> dict[str, Any]:
    """Values of each action, such as `{"erased": 12}`: what each column lost is certified."""
    words = {
        EraseAction.ERASE: "erased",
        EraseAction.ANONYMISE: "anonymised",
        EraseAction.RESTRICT: "restricted",
    }
    totals: Counter[str] = Counter()
    for line in erasure_plan(labels):
        if line.action in words:
            totals[words[line.action]] += counts.get(f"{line.table}.{line.column}", 0)
    return {word: number for word, number in totals.items() if number}


def _staying() -> list[tuple[str, str]]:
    """Personal columns that keep their value, such as paths."""
    return [
        (table, column)
        for table, column, tag in tagged_places()
        if tag.personal and tag.action is EraseAction.KEEP
    ]


def owners(db: Store, subject_ids: Sequence[str]) -> tuple[str, ...]:
    """Every name of these people, as long as it is known."""
    with db.read() as view:
        found = [saga.of_subject(view, subject_id) for subject_id in subject_ids]
        names: list[str] = []
        for begun in found:
            if begun is None:
                continue
            carried = carried_by(view, begun)
            if carried is not None:
                names += carried.identifiers
            elif begun.finished_at is None and begun.identifier is not None:
                names += known.person_of(view, begun).identifiers
    return tuple(names)
