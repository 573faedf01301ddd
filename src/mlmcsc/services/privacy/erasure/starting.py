"""Who is meant, whether they may be erased, and the first step."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import Any

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.fields import Field, Kind
from mlmcsc.domain.holds import PERSON
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.privacy.erasure import LabelChoice
from mlmcsc.domain.privacy.mentions import Mentions
from mlmcsc.domain.privacy.persons import Person
from mlmcsc.domain.privacy.requests import OPEN, RequestKind
from mlmcsc.errors import ConflictError, MissingKeyError, UnknownRecordError, ValidationError
from mlmcsc.services.privacy.erasure.carried import carried_by
from mlmcsc.services.privacy.erasure.lines import withdraw_lines
from mlmcsc.services.privacy.erasure.outside import Outside
from mlmcsc.store.queries import people, persons
from mlmcsc.store.queries import privacy_requests as requests
from mlmcsc.store.queries.erasure import held, known, saga
from mlmcsc.store.queries.erasure.saga import Saga
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store

GROUND = Field("ground", Kind.TEXT, "why, for the record", required=True, max_length=1000)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A checked call.

    Attributes:
        person: Staff number, login, written name or subject id; or the technician's row id.
        labels: Whether measurements stay.
        ground: Why.
        request_id: The request that is answered.
    """

    person: int | str
    labels: LabelChoice
    ground: str
    request_id: int | None

    @classmethod
    def checked(cls, person: Any, labels: LabelChoice, ground: Any, request_id: Any) -> Wanted:
        """The arguments, with their types and lengths checked.

        Raises:
            ValidationError: One is wrong.
        """
        who = person if type(person) is int else PERSON.check(person)
        if request_id is not None and type(request_id) is not int:
            raise ValidationError(f"request_id={request_id!r}: give the number of a request.")
        return cls(who, labels, GROUND.check(ground), request_id)

    def look_up(self, view: View) -> tuple[Saga | None, Person | None]:
        """The erasure begun before, or the person.

        Raises:
            UnknownRecordError: There is no such person or request; nothing was done.
            ConflictError: What was begun treats labels otherwise; or the request is another
                person's, asks for something else, or was answered; or nobody is meant, but the row
                of consensus labels.
            HeldError: A legal hold is in force.
        """
        begun = begun_for(view, self.person)
        if begun is not None:
            self._refuse_other_labels(begun)
            if begun.request_id != self.request_id:
                self._refuse_other_request(view, set(known.person_of(view, begun).subject_ids))
            return begun, None
        person, _ = self.find(view)
        if person is None:
            raise UnknownRecordError(
                f"person {self.person!r} is not known; nothing was done. Give a staff number, a "
                "login or a subject id; whoever was erased is found by the subject id only."
            )
        people.refuse_consensus_row(view, person.technician_row)
        self._refuse_other_request(view, set(person.subject_ids))
        held.refuse_held(view, person, self.labels)
        return None, person

    def find(self, view: View) -> tuple[Person | None, bool]:
        """The person; and whether their sealed name cannot be read, as its key was destroyed.

        Raises:
            MissingKeyError: The master key is not here.
        """
        try:
            return persons.living(view, self.person), False
        except MissingKeyError:
            view.vault.keys(view).current()  # a key that is only not at hand is to be brought
        return known.keyless(view, self.person), True

    def _refuse_other_request(self, view: View, theirs: set[str]) -> None:
        """A request is answered by what it asks for, once, and by nobody else's erasure."""
        if self.request_id is None:
            return
        found = requests.listing(view, request_id=self.request_id)
        if not found:
            raise UnknownRecordError(f"request {self.request_id} does not exist; nothing was done.")
        (request,) = found
        asks = request.kind == RequestKind.ERASURE.value and request.subject_id in theirs
        if not asks or request.state != OPEN:
            raise ConflictError(
                f"request {self.request_id} is no open request of this person for erasure; "
                "nothing was done. See `mlmcsc privacy requests`."
            )

    def _refuse_other_labels(self, begun: Saga) -> None:
        if begun.finished_at is None and begun.labels != self.labels:
            raise ConflictError(
                f"The erasure of {begun.subject_id} was begun with labels={begun.labels!r}, and "
                f"goes on with that only, not with {self.labels!r}."
            )


def begun_for(view: View, wanted: int | str) -> Saga | None:
    """The erasure of a person so called, if it was begun; the finished one by subject id only."""
    found = saga.find(view, wanted)
    if found is not None:
        return found
    for each in saga.unfinished(view):
        carried = carried_by(view, each)
        if carried is not None and wanted in carried.identifiers:
            return each
    return None


def start(db: Store, actor: Actor, wanted: Wanted) -> Saga:
    """The first step: the row by which it is found again, and no new labels from here on.

    Raises:
        HeldError: A legal hold was placed meanwhile; nothing was done.
        MissingKeyError: The master key is not here; nothing was done.
    """
    with db.read() as view:
        found, without_keys = wanted.find(view)
    words = Mentions(found.identifiers if found else ())
    # The reason may name the person; it is kept without.
    with db.write(replace(actor, reason=words.removed(actor.reason))) as tx:
        begun, person = wanted.look_up(tx)
        if begun is not None or person is None:
            raise ConflictError("Another process erases this person already; wait for its end.")
        subject_id = persons.admit(tx, person)
        values = {
            "subject_id": subject_id,
            "technician_row": person.technician_row,
            "request_id": wanted.request_id,
            "labels": wanted.labels,
            "ground": words.removed(wanted.ground),
            "identifier": person.called,
        }
        pseudonym = f"erased-{secrets.token_hex(4)}"
        number = saga.start(tx, values, pseudonym, without_keys=without_keys)
        told = {k: v for k, v in values.items() if k != "identifier"}
        tx.record(AuditEvent(Operation.ERASE, "erasures", number, None, told))
        return saga.lock(tx, subject_id)


def abandon(db: Store, actor: Actor, outside: Outside, begun: Saga) -> None:
    """Take back an erasure that has erased nothing.

    It is marked first, and then cannot go on: else it could be finished after its line in the
    ledger was withdrawn, and a restored backup would not be erased again.

    Raises:
        ConflictError: The person is erased already.
    """
    with db.write(actor) as tx:
        begun = saga.lock(tx, begun.subject_id)
        if begun.step("database") is not None:
            raise ConflictError(
                f"{begun.subject_id} is erased from the database already; that cannot be taken "
                "back. Run `privacy delete-user-data` with the same person to finish it."
            )
        saga.add_step(tx, begun, "abandoned", {})
    with db.read() as view:
        withdraw_lines(view, outside.ledger, begun, db.clock())
    with db.write(actor) as tx:
        saga.abandon(tx, saga.lock(tx, begun.subject_id))
