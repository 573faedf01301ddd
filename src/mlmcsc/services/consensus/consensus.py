"""Consensus labels, made of what several people measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.agreement.agreeing import Agreements, agree
from mlmcsc.domain.agreement.study import Kind, Measurements
from mlmcsc.domain.consensus_labels import Agreed, ConsensusRun, labels_behind, stands
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.progress import Progress, quiet
from mlmcsc.errors import UnknownRecordError, ValidationError
from mlmcsc.store.models import images
from mlmcsc.store.queries import agreement as agreement_queries
from mlmcsc.store.queries import consensus as queries
from mlmcsc.store.queries import consensus_withdrawal as withdrawal
from mlmcsc.store.queries import holds, people, rows
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store, Transaction

BATCH: Final = 2_000
"""Images per transaction and audit event: a technician waits a fraction of a second at most."""
MOST_RATERS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Consensus:
    """Make and keep consensus labels, in one actor's name.

    Attributes:
        db: The open database.
        actor: In whose name.
        label_range: Lowest and highest label.
        rescore: Brings technicians' accuracy scores up to date, in the same name.
    """

    db: Store
    actor: Actor
    label_range: tuple[float, float]
    rescore: Callable[[], object]

    @requires(Permission.QUALITY)
    def create(
        self,
        image_ids: Iterable[int] | None = None,
        *,
        min_raters: int = 2,
        assisted: bool = False,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> ConsensusRun:
        """Store the reliability-weighted consensus of people's labels as a label of its own.

        Each person has one vote an image, their latest label as it is now; raters are weighted by
        what all their labels tell of their scatter, and their bias is taken off. A consensus that
        still stands is left alone, one that changed is corrected with its earlier value kept, one
        whose labels are gone, changed or may not be used is deleted where too few are left. One
        that was made with other options, of labels that are there unchanged, is kept. Interrupted,
        the next call goes on.

        Args:
            image_ids: These images; all that enough people labelled when left out.
            min_raters: People who must have labelled an image, 2 or more.
            assisted: Also count labels made with a prediction shown.
            dry_run: Only say what would be done.
            progress: Told how far it is.

        Raises:
            ValidationError: A value is wrong.
            UnknownRecordError: There is no such image.
            ConflictError: People bear the staff numbers that are kept for it.
        """
        if isinstance(min_raters, bool) or not isinstance(min_raters, int | np.integer):
            raise ValidationError(f"min_raters={min_raters!r}: give a whole number.")
        if not 2 <= min_raters <= MOST_RATERS:  # noqa: PLR2004  # one person agrees with nobody
            raise ValidationError(f"min_raters={min_raters}: must be 2 to {MOST_RATERS}.")
        with self.db.read() as view:
            wanted = None if image_ids is None else _wanted(view, image_ids)
            who = people.consensus_row(view)
            agreed, restricted = self._agreed(view, int(min_raters), assisted=assisted)
            has = np.empty(0, np.int64) if who is None else queries.images_with(view, who)
        going = np.setdiff1d(has, agreed.images)
        made = agreed.images
        if wanted is not None:
            made, going = agreed.among(wanted), np.intersect1d(going, wanted)
        if who is None and len(made) and not dry_run:
            with self.db.write(self.actor) as tx:
                who = queries.register(tx)
        done = Counter[str]()
        tell = progress or quiet
        for chunk in _chunks(made):
            done += self._store(agreed.each(chunk, self.label_range), who, dry_run=dry_run)
            tell("consensus", sum(done.values()), len(made))
        for chunk in _chunks(going):
            done += self._withdraw(chunk, who, dry_run=dry_run)
        if not dry_run:
            self.rescore()
        return ConsensusRun(
            created=done["created"],
            corrected=done["corrected"],
            unchanged=done["unchanged"],
            kept=done["kept"],
            withdrawn=done["withdrawn"],
            held=done["held"],
            restricted_labels=restricted,
            too_few=agreed.too_few,
            dry_run=dry_run,
        )

    def _agreed(self, view: View, min_raters: int, *, assisted: bool) -> tuple[Agreements, int]:
        """What comes out, and how many labels could not be used."""
        found = agreement_queries.measurements(view)
        kinds = (Kind.BLIND, Kind.ASSISTED, Kind.OTHER) if assisted else (Kind.BLIND,)
        human: Measurements = found.of_kind(*kinds)
        barred = np.isin(human.raters, holds.restricted_technicians(view))
        usable = human.where(~barred).last_of_each()
        return agree(usable, found, min_raters), int(barred.sum())

    def _store(self, made: list[Agreed], who: int | None, *, dry_run: bool) -> Counter[str]:
        with self.db.read() as view:
            new, changed, same = self._sorted(view, made, who)
        if who is not None and not dry_run and (new or changed):
            with self.db.write(self.actor) as tx:
                queries.lock(tx)
                new, changed, same = self._sorted(tx, made, who)  # now that nobody else writes
                renewed = _renewed(tx, changed)
                queries.correct(tx, [each for each in changed if each[1] not in renewed])
                queries.add(tx, who, new + renewed)
        return Counter(created=len(new), corrected=len(changed), unchanged=same)

    def _sorted(
        self, view: View, made: list[Agreed], who: int | None
    ) -> tuple[list[Agreed], list[tuple[queries.Stored, Agreed]], int]:
        """Those to be added, those to be corrected, and how many still stand.

        Of labels that were corrected, deleted or restricted since they were read, nothing is made.
        """
        made = _of_standing(view, made)
        ids = np.array([each.image_id for each in made], dtype=np.int64)
        there = set(queries.there(view, ids).tolist())
        stored = {} if who is None else queries.stored(view, who, ids)
        present = [each for each in made if each.image_id in there]
        new = [each for each in present if each.image_id not in stored]
        old = [(stored[each.image_id], each) for each in present if each.image_id in stored]
        changed = [
            (was, now)
            for was, now in old
            if not stands(was.label, was.annotation_data, now, self.label_range)
        ]
        return new, changed, len(old) - len(changed)

    def _withdraw(
        self, image_ids: NDArray[np.int64], who: int | None, *, dry_run: bool
    ) -> Counter[str]:
        if who is None:
            return Counter()
        if dry_run:
            with self.db.read() as view:
                kept, going = _sorted_out(view, who, image_ids)
                gone = len(going) - withdrawal.count_held(view, going)
        else:
            with self.db.write(self.actor) as tx:
                kept, going = _sorted_out(tx, who, image_ids)
                gone = len(withdrawal.withdraw(tx, going, CHANGED))
        return Counter(kept=kept, withdrawn=gone, held=len(going) - gone)


CHANGED: Final = "labels behind these consensus labels are gone, changed or may not be used"


def _of_standing(view: View, made: list[Agreed]) -> list[Agreed]:
    behind = [labels_behind(each.annotation) or {} for each in made]
    known = withdrawal.standing(view, [label for each in behind for label in each])
    return [each for each, of in zip(made, behind, strict=True) if of.items() <= known.items()]


def _sorted_out(
    view: View, who: int, image_ids: NDArray[np.int64]
) -> tuple[int, NDArray[np.int64]]:
    """Of consensus labels that this run does not make: how many to keep, and ids of the others."""
    stored = queries.stored(view, who, image_ids).values()
    behind = {each.id: labels_behind(each.annotation_data) for each in stored}
    known = withdrawal.standing(view, [label for each in behind.values() for label in each or ()])
    going = [
        label for label, each in behind.items() if each is None or not each.items() <= known.items()
    ]
    return len(behind) - len(going), np.array(sorted(going), dtype=np.int64)


def _renewed(tx: Transaction, changed: list[tuple[queries.Stored, Agreed]]) -> list[Agreed]:
    """Delete those whose earlier values rest on deleted labels, and so would tell these; give anew.

    Those under a legal hold are corrected as others are.
    """
    ids = withdrawal.resting_on_gone(tx, np.array([old.id for old, _ in changed], dtype=np.int64))
    gone = set(withdrawal.withdraw(tx, ids, CHANGED).tolist()) if len(ids) else set[int]()
    return [now for old, now in changed if old.id in gone]


def _wanted(view: View, image_ids: Iterable[int]) -> NDArray[np.int64]:
    given = list(image_ids)
    wrong = [i for i in given if isinstance(i, bool) or not isinstance(i, int | np.integer)]
    if wrong:
        raise ValidationError(f"image_ids has {wrong[0]!r}: give whole numbers.")
    ids = np.unique(np.array(given, dtype=np.int64))
    missing = rows.missing_ids(view, images, ids)
    if len(missing):
        raise UnknownRecordError(f"image {missing[0]} does not exist; nothing was stored.")
    return ids


def _chunks(ids: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]
