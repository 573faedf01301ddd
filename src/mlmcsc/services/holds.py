"""Legal holds and restrictions of processing: placed on a ground, released for a reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.holds import GROUND, PERSON, REASON, SPECIMEN, HoldKind, HoldRecord
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.records import SpecimenRecord
from mlmcsc.errors import AmbiguousError, ConflictError, UnknownRecordError, ValidationError
from mlmcsc.store.models import privacy_holds, specimens
from mlmcsc.store.queries import consensus_withdrawal, people, persons, rows
from mlmcsc.store.queries import holds as hold_queries
from mlmcsc.store.queries.holds import Target
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store, Transaction


@dataclass(frozen=True, slots=True)
class Holds:
    """Place, release and list holds and restrictions, in one actor's name."""

    db: Store
    actor: Actor

    @requires(Permission.PRIVACY)
    def restrict(self, person: int | str, ground: str) -> HoldRecord:
        """Restrict the processing of a person's data (GDPR Art. 18): stored, but not used.

        Of the whole person: whoever writes a technician's name or login is that technician.

        While it is in force, new labels by the person are refused, those that are there are left
        out of training data, and personal texts are shown to the bearers of the right `privacy`
        only. Consensus labels that rest on them are deleted with it; the next `labels consensus`
        makes them anew of the other people's labels.

        Args:
            person: Staff number, login, written name, subject id, or the technician's id.
            ground: Why, such as `accuracy contested, Art. 18(1)(a)`.

        Returns:
            What is in force; placed earlier, where the same was.

        Raises:
            ValidationError: No ground.
            UnknownRecordError: There is no such person.
            ConflictError: The person was erased, or is the row of consensus labels.
            AmbiguousError: Several technicians bear the name; the message lists them.
        """
        return self._place(HoldKind.RESTRICT, ground, person, None)

    @requires(Permission.PRIVACY)
    def hold(
        self, person: int | str | None = None, *, specimen: str | None = None, ground: str
    ) -> HoldRecord:
        """Keep everything of a person or of a specimen from being deleted, whoever asks.

        Holds on several grounds are several: each is released on its own.

        Args:
            person: Staff number, login, written name, subject id, or the technician's id.
            specimen: Or a specimen number.
            ground: Why, such as `court order 12 O 345/26`.

        Returns:
            What is in force; placed earlier, where the same was.

        Raises:
            ValidationError: No ground; neither a person nor a specimen, or both.
            UnknownRecordError: There is no such person or specimen.
            ConflictError: The person was erased.
            AmbiguousError: Several technicians bear the name; the message lists them.
        """
        return self._place(HoldKind.HOLD, ground, person, specimen)

    def _place(self, kind: HoldKind, ground: str, person: Any, specimen: Any) -> HoldRecord:
        ground = GROUND.check(ground)
        operation = Operation.RESTRICT if kind is HoldKind.RESTRICT else Operation.HOLD
        with self.db.write(self.actor) as tx:
            target = _new_target(tx, kind, person, specimen)
            for held in hold_queries.in_force(tx, target, kind):
                if held.ground == ground:
                    return held
            values = {
                "kind": kind.value,
                **{column: names[0] for column, names in target.items()},
                "ground": ground,
                "placed_at": tx.now,
                "placed_by": tx.vault.person(tx, self.actor.subject),
            }
            hold_id = rows.insert(tx, privacy_holds, values)
            tx.record(AuditEvent(operation, "privacy_holds", hold_id, None, values, ground))
            if kind is HoldKind.RESTRICT:
                consensus_withdrawal.restricted(tx)
            placed = hold_queries.in_force(tx, target, kind)
            return next(held for held in placed if held.id == hold_id)

    @requires(Permission.PRIVACY)
    def release(
        self,
        person: int | str | None = None,
        *,
        specimen: str | None = None,
        reason: str,
        kind: Literal["restrict", "hold"] | None = None,
        hold_id: int | None = None,
    ) -> HoldRecord:
        """End a restriction or a hold.

        Before a restriction is lifted, the person must be told (GDPR Art. 18(3)).

        Args:
            person: Staff number, login, written name, subject id, or the technician's id.
            specimen: Or a specimen number.
            reason: Why it is released.
            kind: Which kind; needed where both are in force.
            hold_id: Which one; needed where several of a kind are in force.

        Returns:
            What was in force, with its end.

        Raises:
            ValidationError: No reason; neither a person nor a specimen, or both; a wrong kind.
            UnknownRecordError: There is no such person or specimen, or nothing is in force.
            AmbiguousError: Several are in force; the message lists them.
        """
        reason = REASON.check(reason)
        wanted = _kind(kind)
        with self.db.write(self.actor) as tx:
            target = _target(tx, person, specimen)
            found = hold_queries.in_force(tx, target, wanted)
            before = _only(found, hold_id, specimen if person is None else person)
            values = {
                "released_at": tx.now,
                "released_by": tx.vault.person(tx, self.actor.subject),
                "release_reason": reason,
            }
            rows.update(tx, privacy_holds, before.id, values)
            on = {"subject_id": before.subject_id, "specimen_id": before.specimen_id}
            old = {
                "kind": before.kind,
                **{column: name for column, name in on.items() if name is not None},
                "ground": before.ground,
            }
            tx.record(
                AuditEvent(Operation.RELEASE, "privacy_holds", before.id, old, values, reason)
            )
            released = hold_queries.listing(tx, target, released=True)
            return next(held for held in released if held.id == before.id)

    @requires(Permission.PRIVACY)
    def list(
        self,
        person: int | str | None = None,
        *,
        specimen: str | None = None,
        released: bool = False,
    ) -> tuple[HoldRecord, ...]:
        """Holds and restrictions in force, oldest first.

        Args:
            person: Of this person only.
            specimen: Of this specimen only.
            released: Also those that have ended.

        Raises:
            UnknownRecordError: There is no such person or specimen.
        """
        with self.db.read() as view:
            anyone = person is None and specimen is None
            target: Target = {} if anyone else _target(view, person, specimen)
            return tuple(hold_queries.listing(view, target, released=released))


def _new_target(tx: Transaction, kind: HoldKind, person: Any, specimen: Any) -> Target:
    """Like `_target`, for one person, who is not erased; their own subject id comes first."""
    target = _target(tx, person, specimen)
    if person is None:
        return target
    found = persons.resolve(tx, person)
    if found is None or found.is_erased:
        raise ConflictError(f"{person!r} was erased: nothing is left to be held or restricted.")
    if kind is HoldKind.RESTRICT:
        people.refuse_consensus_row(tx, found.technician_row)
    own = persons.admit(tx, found)  # written by raw SQL, they may not be in the vault
    return {"subject_id": (own, *found.aliases)}


def _target(view: View, person: Any, specimen: Any) -> Target:
    if (person is None) == (specimen is None):
        raise ValidationError("Name a person or a specimen, and not both.")
    if person is not None:
        wanted = person if type(person) is int else PERSON.check(person)
        found = persons.every(view, wanted)
        if not found:
            raise UnknownRecordError(
                f"person {person!r} is not known; nothing was done. Give a staff number, a login, "
                "a name as it was written, or a subject id."
            )
        return {"subject_id": tuple(each for who in found for each in who.subject_ids)}
    name = SPECIMEN.check(specimen)
    if rows.first(view, specimens, SpecimenRecord, specimen_id=name) is None:
        raise UnknownRecordError(f"specimen {name!r} does not exist; nothing was done.")
    return {"specimen_id": (name,)}


def _kind(kind: Any) -> HoldKind | None:
    if kind is None:
        return None
    try:
        return HoldKind(kind)
    except ValueError:
        raise ValidationError(f"kind={kind!r}: must be one of {', '.join(HoldKind)}.") from None


def _only(found: list[HoldRecord], hold_id: int | None, whose: Any) -> HoldRecord:
    if hold_id is not None:
        found = [held for held in found if held.id == hold_id]
    if not found:
        raise UnknownRecordError(f"Nothing of the kind is in force on {whose!r}.")
    if len(found) > 1:
        told = "; ".join(f"{held.id} ({held.kind}: {held.ground})" for held in found)
        raise AmbiguousError(
            f"Several are in force on {whose!r}: {told}. Say which by kind or by its number."
        )
    return found[0]
