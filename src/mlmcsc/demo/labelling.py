"""Technicians at work: blind labels, labels with a prediction on the screen, a second look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlmcsc.demo.folder import Drawn
from mlmcsc.demo.people import CREW, Scoring, Technician
from mlmcsc.domain.enums import LabelType
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.records import LabelRecord, PredictionRecord
from mlmcsc.manager import DatabaseManager

CHECKER, DEPUTY = CREW[0], CREW[1]
"""Two experts; the deputy checks what the checker labelled: nobody verifies their own work."""
TWO, THE_OTHERS, EVERYBODY = range(2), range(2, 4), range(4)
"""Who of the crew looks at an image, counted from the one whose turn it is."""
ACCEPTS_WITHIN = 0.05
"""A prediction this near to their own estimate is confirmed as it stands."""
VERIFIES_WITHIN = 0.08
"""A label this near to its checker's own blind estimate is verified."""
MOST_LABELS = 100_000
BLIND, SHOWN, CHECK, SECOND_LOOK = 2, 3, 4, 5
"""Streams of randomness, beside those of the campaign."""


@dataclass(frozen=True)
class Laboratory:
    """The database, who works there, and what only the demo knows.

    Attributes:
        db: the open database.
        seed: of all randomness.
        truth: the drawn images by image id.
        technician_ids: ids to label with, by staff number.
    """

    db: DatabaseManager
    seed: int
    truth: Mapping[int, Drawn]
    technician_ids: Mapping[str, int]

    def rng(self, stream: int, who: Technician, image_id: int) -> np.random.Generator:
        """Randomness of one person before one image: the same in every run."""
        place = list(self.truth).index(image_id)
        return np.random.default_rng([self.seed, stream, CREW.index(who), place])

    def labels(self) -> list[LabelRecord]:
        """All labels, in their current state."""
        return list(self.db.get_labels(limit=MOST_LABELS))


def two_rounds(lab: Laboratory) -> tuple[list[int], list[int]]:
    """Divide the images, in a shuffled order, into those labelled blind and those labelled later.

    Whole specimens, two thirds of them first: new specimens arrive when a model exists already.
    """
    specimens = sorted({one.specimen_id for one in lab.truth.values()})
    shuffled = np.random.default_rng([lab.seed, 1_000]).permutation(specimens).tolist()
    first = -(-2 * len(shuffled) // 3)
    order = {name: place for place, name in enumerate(shuffled)}
    images = sorted(lab.truth, key=lambda image: order[lab.truth[image].specimen_id])
    early = [image for image in images if order[lab.truth[image].specimen_id] < first]
    return early, images[len(early) :]


def first_views(lab: Laboratory, images: Sequence[int]) -> list[int]:
    """One image of each specimen: what everybody labels, so that people can be compared."""
    first: dict[str, int] = {}
    for image in images:
        first.setdefault(lab.truth[image].specimen_id, image)
    return list(first.values())


def label_blind(lab: Laboratory, images: Sequence[int], turns: range = TWO) -> int:
    """Have every image labelled by people who see no prediction; return the labels made."""
    made = 0
    for who, todo in _work(lab, images, turns):
        said = [who.score(lab.rng(BLIND, who, image), lab.truth[image].true_sfa) for image in todo]
        made += _store(lab, who, todo, [one.label for one in said], said, label_type="manual")
    return made


def label_with_predictions(
    lab: Laboratory, images: Sequence[int], shown: Mapping[int, PredictionRecord], model: str
) -> int:
    """Have every image labelled by two people who see the prediction; return the labels made."""
    made = 0
    for who, todo in _work(lab, images, TWO):
        said = [
            who.score(
                lab.rng(SHOWN, who, image), lab.truth[image].true_sfa, shown[image].prediction
            )
            for image in todo
        ]
        predicted = [shown[image].prediction for image in todo]
        accepted = [
            abs(one.label - value) <= ACCEPTS_WITHIN
            for one, value in zip(said, predicted, strict=True)
        ]
        made += _store(
            lab,
            who,
            todo,
            [v if yes else s.label for s, v, yes in zip(said, predicted, accepted, strict=True)],
            said,
            label_type=[LabelType.CONFIRMED if yes else LabelType.CORRECTED for yes in accepted],
            original_prediction=predicted,
            original_confidence=[shown[image].confidence for image in todo],
            model_version_used=model,
        )
    return made


def correct_the_worst(lab: Laboratory) -> LabelRecord:
    """Have the label that the checker doubts most measured again; return it as it is then."""
    labels = lab.labels()
    done = [one for one in labels if one.revision > 1]
    if done:
        return done[0]
    worst = max(labels, key=lambda one: _doubt(lab, one))
    who = next(p for p in CREW if lab.technician_ids[p.technician_id] == worst.technician_id)
    checker = _checker(lab, worst)
    again = checker.score(
        lab.rng(SECOND_LOOK, who, worst.image_id), lab.truth[worst.image_id].true_sfa
    )
    return _as(lab, who).update_label(
        worst.id,
        label=again.label,
        reason=f"{checker.name} doubted it; measured again together",
    )


def verify(lab: Laboratory) -> int:
    """Have experts verify what agrees with a blind estimate of their own; return how many."""
    agreed = [one for one in lab.labels() if _doubt(lab, one) <= VERIFIES_WITHIN]
    for one in agreed:
        if not one.is_verified:
            checker = _checker(lab, one)
            _as(lab, checker).verify_label(one.id, checker.technician_id)
    return len(agreed)


def _work(
    lab: Laboratory, images: Sequence[int], turns: range
) -> list[tuple[Technician, list[int]]]:
    """Who still has to label what: people taking turns, in the order of the images."""
    done = {(one.technician_id, one.image_id) for one in lab.labels()}
    lists: list[tuple[Technician, list[int]]] = []
    for number, who in enumerate(CREW):
        own = lab.technician_ids[who.technician_id]
        mine = [
            image
            for place, image in enumerate(images)
            if (number - place) % len(CREW) in turns and (own, image) not in done
        ]
        lists.append((who, mine))
    return [(who, mine) for who, mine in lists if mine]


def _store(
    lab: Laboratory,
    who: Technician,
    images: Sequence[int],
    labels: Sequence[float],
    said: Sequence[Scoring],
    **more: Any,
) -> int:
    result = _as(lab, who).store_labels(
        image_id=images,
        technician_id=lab.technician_ids[who.technician_id],
        label=labels,
        time_spent=[one.seconds for one in said],
        difficulty_rating=[one.difficulty for one in said],
        **more,
    )
    return result.stored


def _checker(lab: Laboratory, label: LabelRecord) -> Technician:
    own = label.technician_id == lab.technician_ids[CHECKER.technician_id]
    return DEPUTY if own else CHECKER


def _doubt(lab: Laboratory, label: LabelRecord) -> float:
    """How far a label lies from its checker's own blind estimate."""
    who = _checker(lab, label)
    own = who.score(lab.rng(CHECK, who, label.image_id), lab.truth[label.image_id].true_sfa)
    return abs(label.label - own.label)


def _as(lab: Laboratory, who: Technician) -> DatabaseManager:
    """The database in a technician's own name, as the audit trail will have it."""
    return lab.db.acting_as(Actor(subject=who.technician_id))
