"""A ranked queue of labels that are probably wrong, each with its reasons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.fields import Field, Kind
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.progress import Progress, quiet
from mlmcsc.domain.suspicion import Evidence, SuspicionReport, SuspiciousLabel
from mlmcsc.domain.suspicion.colleagues import by_colleagues
from mlmcsc.domain.suspicion.evidence import FORMULA, Said, against, ranks, scores
from mlmcsc.domain.suspicion.results import in_words
from mlmcsc.errors import UnknownRecordError
from mlmcsc.services.suspicious_labels.comparing import VectorsOf, similar_images
from mlmcsc.store.queries import features as feature_queries
from mlmcsc.store.queries import holds, training
from mlmcsc.store.queries import suspicious_labels as queries
from mlmcsc.store.queries.rows import View
from mlmcsc.store.queries.training import LabelTable
from mlmcsc.store.uow import Store

Ids = NDArray[np.int64]
Floats = NDArray[np.float64]
MOST = 100_000


@dataclass(frozen=True, slots=True)
class Judged:
    """The labels that count, and what is said of them; arrays of equal length."""

    label_ids: Ids
    image_ids: Ids
    people: Ids
    values: Floats
    colleagues: Said
    model: Said
    neighbours: Said
    scores: Floats
    doubted: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Read:
    """What was read, in one snapshot.

    Attributes:
        labels: The labels that count.
        restricted: How many labels may not be used.
        model: Id and name of the model that testifies; None without any.
        images: The labels' images, ascending.
        at: The place of each label's image among these.
        predicted: What the model says of each image; NaN where nothing.
        groups: Specimen of each label's image, a code.
        kind: Kind of feature that is compared; None for none.
    """

    labels: LabelTable
    restricted: int
    model: tuple[int, str] | None
    images: Ids
    at: Ids
    predicted: Floats
    groups: Ids
    kind: str | None


@dataclass(frozen=True, slots=True)
class SuspiciousLabels:
    """Find labels that are probably wrong, in one actor's name."""

    db: Store
    actor: Actor
    label_range: tuple[float, float]
    vectors_of: VectorsOf

    @requires(Permission.QUALITY)
    def list(
        self,
        limit: int = 50,
        *,
        min_score: float = 0.0,
        technician: str | None = None,
        feature_type: str | None = None,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> SuspicionReport:
        """Labels by how suspicious they are, worst first.

        Judged is each person's latest label of each image; consensus labels are not, and do not
        testify. Witnesses are colleagues who labelled the same image, the active model (the
        newest, where the active one has no predictions), and the labels of similar images of
        other specimens. Labels of people whose data may not be used are left out and counted.

        Args:
            limit: How many, 1 to 100,000.
            min_score: Only labels with this score or more, 0 or more; from 3 on they stand out.
            technician: Only labels of this staff number; all others still testify.
            feature_type: Features that tell which images are similar; left out, those stored
                where there is one kind only, else none.
            seed: Of the choice of images where there are too many to compare all.
            progress: Told how far it is.

        Raises:
            ValidationError: A value is wrong.
            UnknownRecordError: No such technician, or no such features.
        """
        most = _LIMIT.check(limit)
        lowest = _LOWEST.check(min_score)
        drawn = _SEED.check(seed)
        report = quiet if progress is None else progress
        with self.db.read() as view:
            who = _require(view, technician)
            read = _read(view, feature_type)
        judged = self._judged(read, drawn, report)
        name = None if read.model is None else read.model[1]
        rows = _worst(judged, who, most, lowest)
        with self.db.read() as view:
            items = _told(view, judged, rows, name)
        witnesses = (judged.colleagues, judged.model, judged.neighbours)
        speaks = [int(np.isfinite(each.z).sum()) for each in witnesses]
        return SuspicionReport(
            items=items,
            min_score=lowest,
            labels=len(judged.label_ids),
            without_evidence=int(np.count_nonzero(np.isnan(judged.scores))),
            with_colleagues=speaks[0],
            with_model=speaks[1],
            with_neighbours=speaks[2],
            restricted=read.restricted,
            model_version=name,
            feature_type=read.kind,
            seed=drawn,
            formula=FORMULA,
        )

    def _judged(self, read: Read, seed: int, progress: Progress) -> Judged:
        labels, span = read.labels, self.label_range[1] - self.label_range[0]
        progress("comparing labels", 0, len(labels.label_ids))
        people = np.asarray(labels.technician_ids)
        colleagues = by_colleagues(labels.image_ids, people, labels.values, span)
        expected = read.predicted[read.at]
        speaks = np.isfinite(expected).astype(np.int64)
        model = against(labels.values, expected, speaks, span)
        neighbours = Said.nothing(len(labels.label_ids))
        if read.kind is not None and len(read.images):
            so_far = scores(colleagues, model)
            neighbours = self._neighbours(
                labels, read.images, read.at, read.groups, so_far, read.kind, seed, span, progress
            )
        found, doubted = ranks(colleagues, model, neighbours)
        return Judged(
            labels.label_ids,
            labels.image_ids,
            people,
            labels.values,
            colleagues,
            model,
            neighbours,
            found,
            doubted,
        )

    def _neighbours(
        self,
        labels: LabelTable,
        images: Ids,
        at: Ids,
        groups: Ids,
        so_far: Floats,
        kind: str,
        seed: int,
        span: float,
        progress: Progress,
    ) -> Said:
        count = np.bincount(at)
        order = np.lexsort((labels.values, at))
        start = np.cumsum(count) - count
        ascending = labels.values[order]
        medians = (ascending[start + (count - 1) // 2] + ascending[start + count // 2]) / 2
        worst = np.full(len(images), -np.inf)
        np.maximum.at(worst, at, np.nan_to_num(so_far))
        group = np.zeros(len(images), np.int64)
        group[at] = groups
        asked, expected, speak = similar_images(
            images, medians, group, worst, kind, self.vectors_of, seed, progress
        )
        of_image, witnesses = np.full(len(images), np.nan), np.zeros(len(images), np.int64)
        of_image[asked], witnesses[asked] = expected, speak
        return against(labels.values, of_image[at], witnesses[at], span)


_LIMIT = Field("limit", Kind.INTEGER, "labels wanted", required=True, minimum=1, maximum=MOST)
_LOWEST = Field("min_score", Kind.REAL, "score of a label", required=True, minimum=0)
_SEED = Field("seed", Kind.INTEGER, "of random choices", required=True, minimum=0)


def _require(view: View, technician: str | None) -> int | None:
    if technician is None:
        return None
    found = queries.staff_row(view, technician)
    if found is None:
        raise UnknownRecordError(
            f"technician {technician!r} does not exist. `technician list` shows who there is."
        )
    return found


def _read(view: View, feature_type: str | None) -> Read:
    labels, restricted = _votes(view)
    model = queries.newest_model(view)
    images, at = np.unique(labels.image_ids, return_inverse=True)
    predicted = np.full(len(images), np.nan)
    if model is not None:
        predicted = queries.predicted(view, model[0], images)
    groups, kind = _groups(view, labels.image_ids), feature_type or _only_kind(view)
    return Read(labels, restricted, model, images, at, predicted, groups, kind)


def _votes(view: View) -> tuple[LabelTable, int]:
    """Each person's latest label of each image, and how many labels may not be used."""
    every = training.read_labels(view, people=True, verified=False)
    usable = every.made_by_others_than(holds.restricted_technicians(view))
    restricted = len(every.label_ids) - len(usable.label_ids)
    own = usable if usable.consensus is None else _only(usable, ~usable.consensus)
    _, person = np.unique(np.asarray(own.technician_ids), return_inverse=True)
    key = own.image_ids * (person.max(initial=0) + 1) + person
    _, newest = np.unique(key[::-1], return_index=True)
    keep = np.zeros(len(key), dtype=bool)
    keep[len(key) - 1 - newest] = True
    return _only(own, keep), restricted


def _only(labels: LabelTable, keep: NDArray[np.bool_]) -> LabelTable:
    people = np.asarray(labels.technician_ids)[keep]
    return LabelTable(
        labels.label_ids[keep], labels.image_ids[keep], labels.values[keep], people, None, None
    )


def _groups(view: View, images: Ids) -> Ids:
    """Specimen of each image, a code; an image of none is a group of its own (below zero)."""
    members, codes = training.specimen_groups(view)
    order = np.argsort(members)
    members, codes = members[order], codes[order]
    if not len(members):
        return -images
    at = np.minimum(np.searchsorted(members, images), len(members) - 1)
    return np.where(members[at] == images, codes[at], -images)


def _only_kind(view: View) -> str | None:
    """The kind of feature where there is one set only: to choose among several is not for us."""
    sets = feature_queries.sets(view)
    return sets[0].feature_type if len(sets) == 1 else None


def _worst(judged: Judged, who: int | None, most: int, lowest: float) -> Ids:
    """Rows by score, highest first; equal ones by id."""
    rows = np.flatnonzero(judged.scores >= lowest)
    if who is not None:
        rows = rows[judged.people[rows] == who]
    found = judged.scores[rows]
    if len(rows) > most:  # only those are sorted that may be shown
        limit = np.partition(found, len(rows) - most)[len(rows) - most]
        rows, found = rows[found >= limit], found[found >= limit]
    return rows[np.lexsort((judged.label_ids[rows], -found))][:most]


def _told(view: View, judged: Judged, rows: Ids, model: str | None) -> tuple[SuspiciousLabel, ...]:
    """The records; one deleted meanwhile is left out."""
    known = queries.told(view, judged.label_ids[rows])
    found = []
    for row in rows.tolist():
        label, value = int(judged.label_ids[row]), float(judged.values[row])
        if label not in known:
            continue
        colleagues = _evidence(judged.colleagues, row, value)
        said = _evidence(judged.model, row, value)
        similar = _evidence(judged.neighbours, row, value)
        found.append(
            SuspiciousLabel(
                label_id=label,
                image_id=int(judged.image_ids[row]),
                technician_id=known[label].staff,
                label=value,
                label_type=known[label].label_type,
                score=float(judged.scores[row]),
                colleagues=colleagues,
                model=said,
                neighbours=similar,
                why=in_words(colleagues, said, similar, model, doubted=bool(judged.doubted[row])),
                command=f"mlmcsc labels correct {label} --label VALUE --reason WHY",
            )
        )
    return tuple(found)


def _evidence(said: Said, row: int, value: float) -> Evidence | None:
    if not np.isfinite(said.z[row]):
        return None
    expected = float(said.expected[row])
    return Evidence(expected, value - expected, float(said.z[row]), int(said.witnesses[row]))
