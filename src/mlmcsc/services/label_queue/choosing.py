"""From candidates to what is handed out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from mlmcsc.domain.label_queue import HandedOut, HandOut, Purpose, Shares, Strategy, is_blind
from mlmcsc.services.label_queue.ranking import SPARE, VectorsOf, Wanted, is_partial, ranked
from mlmcsc.store.queries.label_queue import candidates, checks, predicted, reservations
from mlmcsc.store.queries.label_queue.candidates import Asking
from mlmcsc.store.queries.label_queue.drawing import first
from mlmcsc.store.queries.label_queue.reservations import Held
from mlmcsc.store.queries.rows import View


@dataclass(frozen=True, slots=True)
class Pools:
    """Candidates for each purpose, read before anything was locked.

    Attributes:
        model: Whose predictions count; None without any.
        shares: Which part of the images are checks.
        main: What the strategy gives, best first.
        duplicates: Images that the technician labelled long ago.
        golds: Images with a gold label.
        exhausted: Whether the strategy has no more than `main`.
        partial: Whether it looked at a part of the data only to find these.
    """

    model: int | None
    shares: Shares
    main: list[int]
    duplicates: list[int]
    golds: list[int]
    exhausted: bool
    partial: bool


def gather(
    view: View, asking: Asking, wanted: Wanted, shares: Shares, vectors_of: VectorsOf
) -> Pools:
    """Read candidates, some more than are wanted."""
    model = predicted.model_in_use(view)
    begun = reservations.places_used(view, asking.technician_id)
    places = shares.places(asking.technician_id, begun, wanted.count)
    rng = np.random.default_rng([wanted.seed, 2])

    def read(
        purpose: Purpose,
        look: Callable[[View, Asking, np.random.Generator], Iterator[list[int]]],
    ) -> list[int]:
        due = places.count(purpose)
        return first(look(view, asking, rng), 2 * due + 1)[0] if due else []

    duplicates = read(Purpose.DUPLICATE, checks.duplicates)
    golds = read(Purpose.GOLD, checks.golds)
    lots = ranked(view, asking, wanted, model, vectors_of)
    main, exhausted = first(lots, wanted.count + SPARE)
    partial = exhausted and is_partial(view, wanted)
    return Pools(model, shares, main, duplicates, golds, exhausted, partial)


def chosen(
    view: View, asking: Asking, wanted: Wanted, pools: Pools, count: int
) -> list[tuple[int, str]]:
    """Images and purposes, of candidates that nobody took since they were read.

    A check of which there is no candidate gives its place to the strategy.
    """
    if count < 1:
        return []
    begun = reservations.places_used(view, asking.technician_id)
    places = pools.shares.places(asking.technician_id, begun, count)
    if wanted.strategy is Strategy.OVERLAP:
        usual = Purpose.OVERLAP
        main = candidates.free_overlap(view, asking, pools.main, wanted.raters)
    else:
        usual = Purpose.NEW
        labelled = wanted.strategy is Strategy.DISAGREEMENT
        main = candidates.free_new(view, asking, pools.main, labelled=labelled)
    lots = {
        Purpose.DUPLICATE: iter(checks.free_duplicates(view, asking, pools.duplicates)),
        Purpose.GOLD: iter(checks.free_golds(view, asking, pools.golds)),
        Purpose.NEW: iter(()),
    }
    ordinary = iter(main)
    found: dict[int, str] = {}
    for place in places:
        offered = chain(((i, place) for i in lots[place]), ((i, usual) for i in ordinary))
        take = next((each for each in offered if each[0] not in found), None)
        if take is not None:
            found[take[0]] = take[1].value
    return list(found.items())


def shown(
    view: View,
    asking: Asking,
    wanted: Wanted,
    pools: Pools,
    held: list[Held],
    made: list[Held],
) -> HandOut:
    """What the technician is told: never why an image was chosen."""
    every = [*((each, True) for each in held), *((each, False) for each in made)]
    ids = [each.image_id for each, _ in every]
    facts = candidates.facts(view, ids)
    who = asking.technician_id
    blind = {each.image_id for each, _ in every if is_blind(each.purpose, who, each.image_id)}
    open_ = [image for image in ids if image not in blind]
    model = pools.model
    said = {} if model is None else predicted.newest_predictions(view, model, open_)

    def record(each: Held, *, again: bool) -> HandedOut:
        path, specimen = facts[each.image_id]
        _, value, confidence = said.get(each.image_id, (0, None, None))
        return HandedOut(
            reservation_id=each.id,
            image_id=each.image_id,
            path=path,
            specimen_id=specimen,
            show_prediction=each.image_id not in blind,
            prediction=value,
            confidence=confidence,
            reserved_until=each.expires_at,
            again=again,
        )

    images = tuple(record(each, again=again) for each, again in every)
    partial = pools.partial and len(images) < wanted.count
    return HandOut(who, wanted.strategy.value, wanted.seed, model, wanted.count, images, partial)
