"""The parts of an agreement report, each a result or what is missing for one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import numpy as np

from mlmcsc.domain.agreement.anchoring import Anchoring, anchoring
from mlmcsc.domain.agreement.bland_altman import bland_altman
from mlmcsc.domain.agreement.ceiling import Ceiling, noise_ceiling
from mlmcsc.domain.agreement.control import control_chart, varies
from mlmcsc.domain.agreement.gauge import gauge_rr
from mlmcsc.domain.agreement.held_out import held_out
from mlmcsc.domain.agreement.icc import icc
from mlmcsc.domain.agreement.krippendorff import Alpha, alpha
from mlmcsc.domain.agreement.precision import Precision, precision
from mlmcsc.domain.agreement.rater_effects import RaterEffect, rater_effects
from mlmcsc.domain.agreement.references import Others, gold_of, others, rater_model
from mlmcsc.domain.agreement.report import (
    AgreementReport,
    Counts,
    CrossedGauge,
    GoldChart,
    Missing,
    Pair,
    Part,
    Reliability,
)
from mlmcsc.domain.agreement.rounding import step_of
from mlmcsc.domain.agreement.specimens import Specimens
from mlmcsc.domain.agreement.study import (
    Floats,
    Ids,
    Kind,
    Measurements,
    ModelAnswers,
    complete_block,
    in_pairs,
    most_overlapping,
    packed,
    rated_table,
)
from mlmcsc.errors import ValidationError

FEWEST = 5
"""Images below which nothing is said of agreement."""
FEWEST_ON_CHART = 5
MOST_PAIRS = 10
OVERLAP = "mlmcsc labels queue --strategy overlap --technician STAFF_NUMBER"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report is made of.

    Attributes:
        found: Labels of images that have two or more, of people whose data may be used.
        staff: Staff numbers by technician id.
        models: Predictions for images that two people measured blind.
        trained: Images that each model version was trained on, ascending; None if not known.
        specimens: Of every image in `found`.
        times: When the blind labels of gold images were made, by label id.
        technician: Id and staff number to narrow to.
        restricted: Labels left out, and of how many people.
        labels_in_database: Of all images.
    """

    found: Measurements
    staff: Mapping[int, str]
    models: ModelAnswers
    trained: Mapping[int, Ids | None]
    specimens: Specimens
    times: Mapping[int, datetime]
    technician: tuple[int, str] | None
    restricted: tuple[int, int]
    labels_in_database: int

    @property
    def who(self) -> int | None:
        """Database id of the technician to narrow to."""
        return None if self.technician is None else self.technician[0]

    def name(self, rater: int | str) -> str:
        """The staff number of a technician."""
        return self.staff[int(rater)]


@dataclass(frozen=True, slots=True)
class _Sets:
    """The labels arranged: every blind one, the first of each rater, those of shared images."""

    blind: Measurements
    firsts: Measurements
    shared: Measurements
    rest: Others


def compare(
    asked: Asked, *, since: datetime | None, until: datetime | None, made_at: datetime
) -> AgreementReport:
    """Every part of the report.

    Args:
        asked: The labels and what goes with them.
        since: People's labels made at or after.
        until: People's labels made before.
        made_at: Now.
    """
    blind = asked.found.of_kind(Kind.BLIND)
    firsts = blind.first_of_each()
    model = rater_model(firsts, asked.found)
    sets = _Sets(blind, firsts, firsts.of_images_with(2), others(firsts, model))
    rated = rated_table(sets.shared)
    scored, bases = held_out(asked.models, asked.trained, rated[0], FEWEST)
    return AgreementReport(
        technician=None if asked.technician is None else asked.technician[1],
        since=since,
        until=until,
        made_at=made_at,
        counts=_counts(asked),
        reliability=_told(OVERLAP, lambda: _reliability(asked, sets)),
        alpha=_told(OVERLAP, lambda: _alpha(asked, sets)),
        pairs=_told(OVERLAP, lambda: _agreeing_pairs(asked, sets)),
        precision=_told(DUPLICATES, lambda: _precision(sets)),
        gauge=_told(DUPLICATES, lambda: _gauge(asked, sets)),
        raters=_told(OVERLAP, lambda: _effects(asked, sets)),
        charts=_told(GOLD, lambda: _charts(asked, sets)),
        anchoring=_told(ASSISTED, lambda: _anchoring(asked, sets)),
        ceiling=_told(OVERLAP, lambda: _ceiling(asked, sets, rated, scored)),
        models=bases,
    )


DUPLICATES = "mlmcsc labels queue --technician STAFF_NUMBER  (quality.duplicate_share above 0)"
GOLD = "mlmcsc labels add IMAGE LABEL --technician EXPERT --label-type gold"
ASSISTED = f"show predictions for some images, and let others label them blind: {OVERLAP}"


def _told(how: str, part: Callable[[], Part[T]]) -> Part[T]:
    """The part, or in the words of the statistics why there is none."""
    try:
        return part()
    except ValidationError as error:
        return Missing(str(error), how)


def _needs(what: str, there: int, how: str, needed: int = FEWEST) -> Missing:
    verb = "is" if there == 1 else "are"
    return Missing(f"needs {needed} {what}; there {verb} {there}", how)


def _counts(asked: Asked) -> Counts:
    found = asked.found
    human = found.of_kind(Kind.BLIND, Kind.ASSISTED, Kind.OTHER)
    return Counts(
        images=len(np.unique(human.images)),
        labels=len(human),
        blind=int((human.kinds == Kind.BLIND).sum()),
        assisted=int((human.kinds == Kind.ASSISTED).sum()),
        raters=len(np.unique(human.raters)),
        gold_images=len(np.unique(found.of_kind(Kind.GOLD).images)),
        labels_in_database=asked.labels_in_database,
        restricted_labels=asked.restricted[0],
        restricted_raters=asked.restricted[1],
    )


SEEN_BY_TWO = "images that two people labelled without seeing a prediction"


def _too_few_shared(sets: _Sets) -> Missing | None:
    n = len(np.unique(sets.shared.images))
    return None if n >= FEWEST else _needs(SEEN_BY_TWO, n, OVERLAP)


def _reliability(asked: Asked, sets: _Sets) -> Part[Reliability]:
    block = complete_block(sets.shared, fewest_images=FEWEST)
    if block is None:
        return _too_few_shared(sets) or Missing(
            f"needs {FEWEST} images that the same two people labelled without seeing a "
            "prediction; no two people share so many",
            OVERLAP,
        )
    names = tuple(asked.name(each) for each in block.raters.tolist())
    clusters = asked.specimens.of(block.images)
    return Reliability(names, len(block.images), icc(block.values[:, :, 0], clusters=clusters))


def _alpha(asked: Asked, sets: _Sets) -> Part[Alpha]:
    missing = _too_few_shared(sets)
    if missing is not None:
        return missing
    # The columns of the packed table are places, not people.
    people = len(np.unique(sets.shared.raters))
    clusters = asked.specimens.of(np.unique(sets.shared.images))
    return replace(alpha(packed(sets.shared), clusters=clusters), raters=people)


def _agreeing_pairs(asked: Asked, sets: _Sets) -> Part[tuple[Pair, ...]]:
    found = [] if asked.technician is None else _with_references(asked, sets)
    for one, two in most_overlapping(sets.shared, MOST_PAIRS, asked.who):
        both, first, second = in_pairs(sets.shared, one, two)
        if len(both) >= FEWEST:
            compared = bland_altman(first, second, clusters=asked.specimens.of(both))
            found.append(Pair(asked.name(one), asked.name(two), compared))
    if found:
        return tuple(found)
    whose = "two people" if asked.technician is None else f"{asked.technician[1]} and another"
    return _too_few_shared(sets) or Missing(
        f"needs {FEWEST} images that {whose} labelled without seeing a prediction; no pair of "
        "people shares so many",
        OVERLAP,
    )


def _with_references(asked: Asked, sets: _Sets) -> list[Pair]:
    """The technician against gold, and against the consensus of the others."""
    own = sets.firsts.where(sets.firsts.raters == asked.who)
    references = {
        "gold": gold_of(own, asked.found),
        "consensus of the others": sets.rest.without(own)[0],
    }
    found = []
    for name, values in references.items():
        known = ~np.isnan(values)
        if known.sum() >= FEWEST:
            clusters = asked.specimens.of(own.images[known])
            compared = bland_altman(own.firsts[known], values[known], clusters=clusters)
            found.append(Pair(asked.name(asked.who or 0), name, compared))
    return found


def _precision(sets: _Sets) -> Part[Precision]:
    repeated = len(sets.blind) - len(sets.firsts)
    shared = len(np.unique(sets.shared.images))
    if not repeated and shared < FEWEST:
        return _needs(f"{SEEN_BY_TWO}, or that one person labelled twice", shared, DUPLICATES)
    return precision(sets.blind.firsts, sets.blind.images, sets.blind.raters)


def _gauge(asked: Asked, sets: _Sets) -> Part[CrossedGauge]:
    block = complete_block(sets.blind, repeats=2, fewest_images=FEWEST)
    if block is None:
        return Missing(
            f"needs {FEWEST} images that the same two people each labelled twice without seeing "
            "a prediction",
            DUPLICATES,
        )
    names = tuple(asked.name(each) for each in block.raters.tolist())
    return CrossedGauge(names, len(block.images), block.values.shape[2], gauge_rr(block.values))


def _effects(asked: Asked, sets: _Sets) -> Part[tuple[RaterEffect, ...]]:
    """Against gold where a rater has enough of it, else against the others."""
    of = sets.firsts
    missing = _needs("images that others labelled too, or with a gold label", 0, OVERLAP, 2)
    if not len(of):
        return missing
    gold = gold_of(of, asked.found)
    clusters = asked.specimens.of(of.images)
    against = rater_effects(of.firsts, of.images, of.raters, gold, clusters=clusters)
    known = {each.rater: each for each in against}
    rest = rater_effects(of.firsts, of.images, of.raters, clusters=clusters)
    chosen = [
        known[each.rater] if known[each.rater].n >= FEWEST else each
        for each in rest
        if asked.who in (None, each.rater)
    ]
    found = tuple(replace(each, rater=asked.name(each.rater)) for each in chosen if each.n > 1)
    return found or missing


def _charts(asked: Asked, sets: _Sets) -> Part[tuple[GoldChart, ...]]:
    """Of each rater's repeated measurement of gold images, all of them in time."""
    blind = sets.blind
    difference = blind.firsts - gold_of(blind, asked.found)
    charts, most = [], 0
    for who in np.unique(blind.raters).tolist():
        mine = (blind.raters == who) & ~np.isnan(difference) & _timed(asked, blind)
        most = max(most, int(mine.sum()))
        if asked.who not in (None, who) or mine.sum() < FEWEST_ON_CHART:
            continue
        times = [asked.times[each] for each in blind.label_ids[mine].tolist()]
        values = difference[mine]
        if varies(values):
            chart = control_chart(times, values, resolution=step_of(blind.firsts[mine]))
            charts.append(GoldChart(asked.name(who), chart))
    if charts:
        return tuple(charts)
    what = "blind labels of one person on gold images"
    return _needs(what, most, GOLD, FEWEST_ON_CHART)


def _timed(asked: Asked, blind: Measurements) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.isin(blind.label_ids, np.fromiter(asked.times, np.int64, len(asked.times)))


def _anchoring(asked: Asked, sets: _Sets) -> Part[Anchoring]:
    assisted = asked.found.of_kind(Kind.ASSISTED).first_of_each()
    if asked.who is not None:
        assisted = assisted.where(assisted.raters == asked.who)
    blind, uncertainty = sets.rest.without(assisted)
    usable = ~np.isnan(blind)
    if usable.sum() < FEWEST:
        what = "labels made with a prediction shown, of images that others labelled without one"
        return _needs(what, int(usable.sum()), ASSISTED)
    of = assisted.where(usable)
    found = anchoring(
        of.firsts,
        blind[usable],
        of.shown,
        of.raters,
        clusters=asked.specimens.of(of.images),
        uncertainty=uncertainty[usable],
    )
    raters = tuple(replace(each, rater=asked.name(each.rater)) for each in found.raters)
    return replace(found, raters=raters)


def _ceiling(
    asked: Asked, sets: _Sets, rated: tuple[Ids, Ids, Floats], scored: Mapping[str, Floats]
) -> Part[Ceiling]:
    images, raters, table = rated
    return _too_few_shared(sets) or noise_ceiling(
        table,
        scored,
        [asked.name(each) for each in raters.tolist()],
        clusters=asked.specimens.of(images),
    )
