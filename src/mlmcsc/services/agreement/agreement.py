"""How far people, references and models agree, and what that says of each person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.agreement.accuracy import AccuracyUpdate, accuracies
from mlmcsc.domain.agreement.comparing import Asked, compare
from mlmcsc.domain.agreement.report import AgreementReport
from mlmcsc.domain.agreement.study import Kind, Measurements, rated_table
from mlmcsc.domain.fields import Field
from mlmcsc.domain.fields import Kind as FieldKind
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.records import TechnicianRecord
from mlmcsc.domain.tables import TECHNICIANS
from mlmcsc.errors import UnknownRecordError, ValidationError
from mlmcsc.store.models import technicians
from mlmcsc.store.queries import accuracy, holds, people, registers
from mlmcsc.store.queries import agreement as queries
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store


@dataclass(frozen=True, slots=True)
class Agreement:
    """Compare raters, and keep their accuracy scores, in one actor's name.

    Attributes:
        db: The open database.
        actor: In whose name.
        label_range: Lowest and highest label.
        trained_on: Gives the images that a model version was trained on, ascending; None where
            that is not known.
    """

    db: Store
    actor: Actor
    label_range: tuple[float, float]
    trained_on: Callable[[str], NDArray[np.int64] | None]

    @requires(Permission.QUALITY)
    def report(
        self,
        technician: int | str | None = None,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> AgreementReport:
        """How far people agree with each other, with references, and models with people.

        Only labels of images that have two labels or more are read. Labels of people whose data
        are restricted (GDPR Art. 18), and consensus labels, are left out.

        Args:
            technician: Narrow the parts per rater to this id or staff number.
            since: People's labels made at or after; aware.
            until: People's labels made before; aware.

        Raises:
            ValidationError: A time has no zone, or `until` is not after `since`.
            UnknownRecordError: There is no such technician.
        """
        since, until = SINCE.check(since), UNTIL.check(until)
        if since is not None and until is not None and until <= since:
            raise ValidationError(f"until={until}: must be after since={since}.")
        with self.db.read() as view:
            who = None if technician is None else _known(view, technician)
            everything = queries.measurements(view, since, until)
            found, restricted = _usable(view, everything)
            blind = found.of_kind(Kind.BLIND).first_of_each().of_images_with(2)
            gold = np.isin(found.images, found.of_kind(Kind.GOLD).images)
            models = queries.model_answers(view, rated_table(blind)[0])
            present = np.unique(models.models).tolist()
            asked = Asked(
                found=found,
                staff=queries.staff_numbers(view, found.raters),
                models=models,
                trained={each: self.trained_on(models.names[each]) for each in present},
                specimens=queries.specimens_of(view, np.unique(found.images)),
                times=queries.times(view, found.where(gold).of_kind(Kind.BLIND).label_ids),
                technician=None if who is None else (who.id, who.technician_id),
                restricted=restricted,
                labels_in_database=queries.labels_at_all(view),
            )
        return compare(asked, since=since, until=until, made_at=self.db.clock())

    @requires(Permission.QUALITY)
    def update_accuracy(self) -> AccuracyUpdate:
        """Bring every technician's `accuracy_score` up to date; see `domain.agreement.accuracy`.

        The numbers are computed before anything is locked, and only what differs is written, with
        one event for all rows: to call it again costs no write.
        """
        with self.db.read() as view:
            found, _ = _usable(view, queries.measurements(view))
            names = queries.staff_numbers(view, found.raters)
        scores = accuracies(found, self.label_range)
        with self.db.read() as view:
            if not accuracy.differing(view, scores, names):
                return accuracy.summary(view, changed=0)
        with self.db.write(self.actor) as tx:
            changed = accuracy.write(tx, scores, names)
            return accuracy.summary(tx, changed=changed)


def _known(view: View, technician: int | str) -> TechnicianRecord:
    key = TECHNICIANS.by_name["technician_id"]
    record = registers.find(view, technicians, TechnicianRecord, key, technician)
    if record is None or record.id == people.consensus_row(view):
        raise UnknownRecordError(
            f"technician {technician!r} does not exist; `technician list` shows who does."
        )
    return record


def _usable(view: View, found: Measurements) -> tuple[Measurements, tuple[int, int]]:
    """What may be used; and how many labels, of how many people, may not."""
    barred = np.isin(found.raters, holds.restricted_technicians(view))
    people = len(np.unique(found.raters[barred]))
    return found.where(~barred), (int(barred.sum()), people)


SINCE = Field("since", FieldKind.TIMESTAMP, "labels made at or after")
UNTIL = Field("until", FieldKind.TIMESTAMP, "labels made before")
