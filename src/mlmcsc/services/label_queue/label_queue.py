"""What to label next: images handed out to one person at a time."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta

from mlmcsc.domain.fields import Field, Kind
from mlmcsc.domain.label_queue import HandOut, Reservation, Shares, Strategy
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.errors import UnknownRecordError, ValidationError
from mlmcsc.services.label_queue.choosing import Pools, chosen, gather, shown
from mlmcsc.services.label_queue.ranking import VectorsOf, Wanted
from mlmcsc.store.models import technicians
from mlmcsc.store.queries import rows
from mlmcsc.store.queries.label_queue import reservations
from mlmcsc.store.queries.label_queue.reservations import Held
from mlmcsc.store.uow import Store

MOST = 1_000
"""Images of one hand-out: what somebody can label while they are reserved."""
MOST_RATERS = 50


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """What the configuration says of hand-outs.

    Attributes:
        minutes: How long a reservation lasts.
        shares: Which part of the images are checks.
    """

    minutes: int
    shares: Shares


@dataclass(frozen=True, slots=True)
class LabelQueue:
    """Hand images out to be labelled, in one actor's name."""

    db: Store
    actor: Actor
    settings: QueueSettings
    vectors_of: VectorsOf

    @requires(Permission.LABEL)
    def next(
        self,
        technician_id: int,
        *,
        n: int = 10,
        strategy: str = "random",
        feature_type: str | None = None,
        raters: int = 2,
        seed: int | None = None,
        dry_run: bool = False,
    ) -> HandOut:
        """Reserve the next images for a technician; first those that are out with them already.

        Nobody else is given a new image while its reservation lasts. It ends with a label by its
        technician, with its time, when the image becomes invalid, and when the technician becomes
        inactive or restricted; what ended is closed in the same transaction. A share of the images
        are checks of the technician, which are not told apart here.

        Args:
            technician_id: The technician's id, as `register_technician` returned it.
            n: How many, 1 to 1000; fewer come where no more are left.
            strategy: `uncertainty`, `disagreement`, `diversity`, `random` or `overlap`.
            feature_type: Kind of feature for diversity; may be left out where there is one only.
            raters: For overlap, how many people are to label an image, 2 to 50.
            seed: Of random choices, 0 or more; left out, a new one.
            dry_run: Reserve nothing, close nothing.

        Raises:
            ValidationError: A value is wrong, or the strategy has nothing to rank by.
            UnknownRecordError: No such technician, or no such features.
            ConflictError: The technician is not active.
            HeldError: The processing of the technician's data is restricted.
        """
        wanted = _checked(strategy, n, feature_type, raters, seed)
        who = _PERSON.check(technician_id)
        while True:
            with self.db.read() as view:
                asking = reservations.admitted(view, who, self.db.clock())
                pools = gather(view, asking, wanted, self.settings.shares, self.vectors_of)
                if dry_run:
                    held = reservations.own(view, asking)[: wanted.count]
                    more = chosen(view, asking, wanted, pools, wanted.count - len(held))
                    drafts = [Held(None, image, purpose, None) for image, purpose in more]
                    return shown(view, asking, wanted, pools, held, drafts)
            found = self._reserve(who, wanted, pools)
            # Others took some meanwhile: look again, until there are enough or no more.
            if len(found.images) == wanted.count or pools.exhausted:
                return found

    def _reserve(self, who: int, wanted: Wanted, pools: Pools) -> HandOut:
        with self.db.write(self.actor) as tx:
            reservations.lock(tx)
            asking = reservations.admitted(tx, who, tx.now)
            reservations.close_ended(tx, asking)
            held = reservations.own(tx, asking)[: wanted.count]
            more = chosen(tx, asking, wanted, pools, wanted.count - len(held))
            until = tx.now + timedelta(minutes=self.settings.minutes)
            ids = reservations.take(tx, asking, wanted.strategy.value, more, until).tolist()
            made = [
                Held(at, image, purpose, until)
                for at, (image, purpose) in zip(ids, more, strict=True)
            ]
            return shown(tx, asking, wanted, pools, held, made)

    @requires(Permission.LABEL)
    def release(self, technician_id: int) -> int:
        """Give back all that is out with a technician, and return how many images that were.

        What the technician labelled counts as fulfilled, not as given back.

        Raises:
            ValidationError: It is no id.
            UnknownRecordError: There is no such technician.
        """
        who = _PERSON.check(technician_id)
        with self.db.write(self.actor) as tx:
            if not rows.exists(tx, technicians, who):
                raise UnknownRecordError(
                    f"technician {who} does not exist. Look up the id with `technician list`."
                )
            reservations.lock(tx)
            return reservations.release(tx, who)

    @requires(Permission.LABEL)
    def status(self, technician_id: int | None = None) -> list[Reservation]:
        """What is out with whom and until when; why, for those with the right `quality` only."""
        who = None if technician_id is None else _PERSON.check(technician_id)
        with self.db.read() as view:
            found = reservations.out(view, self.db.clock(), who)
        if Permission.QUALITY in self.actor.permissions:
            return found
        return [replace(each, strategy=None, purpose=None) for each in found]


_PERSON = Field("technician_id", Kind.INTEGER, "the technician's id", required=True, minimum=1)
_COUNT = Field("n", Kind.INTEGER, "images wanted", required=True, minimum=1, maximum=MOST)
_RATERS = Field(
    "raters", Kind.INTEGER, "people per image", required=True, minimum=2, maximum=MOST_RATERS
)
_SEED = Field("seed", Kind.INTEGER, "of random choices", minimum=0)


def _checked(
    strategy: str, n: int, feature_type: str | None, raters: int, seed: int | None
) -> Wanted:
    if strategy not in list(Strategy):
        raise ValidationError(f"strategy={strategy!r}: must be one of {', '.join(Strategy)}.")
    chosen_seed = _SEED.check(seed)
    return Wanted(
        Strategy(strategy),
        _COUNT.check(n),
        feature_type,
        _RATERS.check(raters),
        secrets.randbelow(2**32) if chosen_seed is None else chosen_seed,
    )
