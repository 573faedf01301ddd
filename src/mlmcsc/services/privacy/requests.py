"""The register of people's requests: received, answered in time, and shown to have been."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.privacy.requests import (
    DONE,
    EXTENSION_REASON,
    OPEN,
    OUTCOME,
    REFUSED,
    RequestKind,
    RequestRecord,
    due,
)
from mlmcsc.errors import ConflictError, UnknownRecordError, ValidationError
from mlmcsc.store.models import privacy_requests
from mlmcsc.store.queries import persons, rows
from mlmcsc.store.queries import privacy_requests as queries
from mlmcsc.store.uow import Store, Transaction


@dataclass(frozen=True, slots=True)
class Requests:
    """Keep the register of requests, in one actor's name."""

    db: Store
    actor: Actor

    @requires(Permission.PRIVACY)
    def add(self, person: int | str, kind: str, received: date | None = None) -> RequestRecord:
        """Enter a request; it is to be answered within one month (GDPR Art. 12(3)).

        The time limit is computed by Regulation (EEC, Euratom) No 1182/71; public holidays are
        not known, and would only move it later.

        Args:
            person: Staff number, login, written name, subject id, or the technician's id.
            kind: A word of `RequestKind`.
            received: The day of receipt; today (UTC), if left out.

        Raises:
            ValidationError: Another kind, or a day that is still to come.
            UnknownRecordError: There is no such person.
            AmbiguousError: Several technicians bear the name; the message lists them.
        """
        kind = _kind(kind)
        with self.db.write(self.actor) as tx:
            day = _day(tx, received)
            values = {
                "kind": kind,
                "subject_id": _subject(tx, person),
                "received_at": datetime.combine(day, time(), UTC),
                "due_at": due(day),
                "state": OPEN,
            }
            number = rows.insert(tx, privacy_requests, values)
            tx.record(AuditEvent(Operation.REQUEST, "privacy_requests", number, None, values))
            return _found(tx, number)

    @requires(Permission.PRIVACY)
    def extend(self, number: int, reason: str) -> RequestRecord:
        """Extend a request's time limit by two further months (GDPR Art. 12(3)).

        The person must be told of it, and why, within the first month.

        Args:
            number: The request's.
            reason: Such as `complex: archives of twelve years`.

        Raises:
            ValidationError: No reason.
            UnknownRecordError: There is no such request.
            ConflictError: It is answered, extended already, or its first month is over.
        """
        reason = EXTENSION_REASON.check(reason)
        with self.db.write(self.actor) as tx:
            before = _open(tx, number)
            if before.extended:
                raise ConflictError(
                    f"request {number} was extended already, until {before.due_at:%Y-%m-%d}: "
                    "GDPR Art. 12(3) allows it once. Answer it."
                )
            if before.overdue(tx.now):
                raise ConflictError(
                    f"request {number} was due on {before.due_at:%Y-%m-%d}: it could be extended "
                    "only within the first month (GDPR Art. 12(3)). Answer it now."
                )
            values = {
                "due_at": due(before.received_at.date(), extended=True),
                "outcome": f"Time limit extended: {reason}",
            }
            rows.update(tx, privacy_requests, number, values)
            old = {"due_at": before.due_at, "subject_id": before.subject_id}
            tx.record(AuditEvent(Operation.REQUEST, "privacy_requests", number, old, values))
            return _found(tx, number)

    @requires(Permission.PRIVACY)
    def close(self, number: int, outcome: str, *, refused: bool = False) -> RequestRecord:
        """Mark a request as answered.

        Args:
            number: The request's.
            outcome: The answer in words.
            refused: Nothing was done; the person must be told why, and of their right to complain
                and to go to court (GDPR Art. 12(4)).

        Raises:
            ValidationError: No outcome.
            UnknownRecordError: There is no such request.
            ConflictError: It is answered already.
        """
        outcome = OUTCOME.check(outcome)
        with self.db.write(self.actor) as tx:
            queries.close(tx, _open(tx, number), REFUSED if refused else DONE, outcome)
            return _found(tx, number)

    @requires(Permission.PRIVACY)
    def list(
        self, person: int | str | None = None, *, closed: bool = False
    ) -> tuple[RequestRecord, ...]:
        """Requests by their time limit, the most pressing first.

        Args:
            person: Of this person only.
            closed: Also those that were answered.

        Raises:
            UnknownRecordError: There is no such person.
        """
        with self.db.read() as view:
            ids = None
            if person is not None:
                found = persons.every(view, person)
                if not found:
                    raise _unknown(person)
                ids = [each for who in found for each in who.subject_ids]
            return tuple(queries.listing(view, subject_ids=ids, closed=closed))


def _subject(tx: Transaction, person: Any) -> str:
    who = persons.resolve(tx, person) if isinstance(person, int | str) else None
    if who is None:
        raise _unknown(person)
    return persons.admit(tx, who)  # who was erased may still ask


def _unknown(person: Any) -> UnknownRecordError:
    return UnknownRecordError(
        f"person {person!r} is not known; nothing was done. Give a staff number, a login, a name "
        "as it was written, or a subject id. To somebody of whom nothing is held, answer just that."
    )


def _kind(kind: Any) -> str:
    try:
        return RequestKind(kind).value
    except ValueError:
        raise ValidationError(f"kind={kind!r}: must be one of {', '.join(RequestKind)}.") from None


def _day(tx: Transaction, received: Any) -> date:
    today = tx.now.astimezone(UTC).date()
    if received is None:
        return today
    if isinstance(received, datetime) or not isinstance(received, date):
        raise ValidationError(f"received={received!r}: give the day of receipt, a date.")
    if received > today:
        raise ValidationError(f"received={received}: is still to come (today is {today}, UTC).")
    return received


def _found(tx: Transaction, number: int) -> RequestRecord:
    return queries.listing(tx, request_id=number)[0]


def _open(tx: Transaction, number: int) -> RequestRecord:
    found = queries.one(tx, number)
    if found is None:
        raise UnknownRecordError(f"request {number!r} does not exist. See `privacy requests`.")
    if found.state != OPEN:
        raise ConflictError(
            f"request {number} was answered on {found.closed_at:%Y-%m-%d}: it is {found.state}."
        )
    return found
