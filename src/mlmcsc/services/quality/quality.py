"""How good the data are, said in under a second however many there are."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.progress import Progress, quiet
from mlmcsc.domain.quality import telling
from mlmcsc.domain.quality.accuracy import FEWEST, Coverage, conformal
from mlmcsc.domain.quality.judging import Evidence, judge
from mlmcsc.domain.quality.references import matched
from mlmcsc.domain.quality.report import SHOWN, QualityReport
from mlmcsc.domain.quality.rows import BASES, INDEPENDENT
from mlmcsc.domain.quality.sums import FRACTIONS, Case, Sums
from mlmcsc.domain.quality.trained import SPLITS
from mlmcsc.services.quality import files
from mlmcsc.services.quality.totals import Ground, Totals, totals
from mlmcsc.services.quality.trainings import Read, Trainings
from mlmcsc.store.queries import holds as hold_queries
from mlmcsc.store.queries.quality import aggregates, cases, stretches
from mlmcsc.store.queries.quality.aggregates import Standing
from mlmcsc.store.uow import Snapshot, Store

NEWEST: Final = 5_000
"""Labels, counted back from the newest, on whose images intervals are tried."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What counts as poor, as configured.

    Attributes:
        label_range: Lowest and highest label of the database.
        min_quality_score: `quality.min_quality_score`.
        flag_threshold: `quality.flag_threshold`.
        interval_coverage: `quality.interval_coverage`.
    """

    label_range: tuple[float, float]
    min_quality_score: float
    flag_threshold: float
    interval_coverage: float

    @property
    def width(self) -> float:
        """Of the label range."""
        return self.label_range[1] - self.label_range[0]


@dataclass(frozen=True, slots=True)
class Quality:
    """Check images, labels and predictions, in one actor's name."""

    db: Store
    actor: Actor
    limits: Limits
    trained_on: Read

    @requires(Permission.READ)
    def check(
        self,
        *,
        all_files: bool = False,
        fresh: bool = False,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> QualityReport:
        """Say how good the data are, and what to look at.

        Sums are kept per 4,096 images; only those of images that were written to are made anew,
        and kept when the actor has the right `quality` and the database can be written to.
        Everything but the files is seen in one snapshot. No labels of people whose processing is
        restricted (GDPR Art. 18) are used.

        Args:
            all_files: Look for every image file, also where there are more than 20,000.
            fresh: Trust no kept sums: after SQLite rows were replaced by other programs.
            seed: Of the random sample of files.
            progress: Told how far it is.
        """
        started, tell = time.perf_counter(), progress or quiet
        checked_at = self.db.clock()
        keeps = Permission.QUALITY in self.actor.permissions and self._claim()
        with self.db.read() as view:
            ground = Ground(
                hold_queries.restricted_technicians(view),
                Trainings.seen(view, self.trained_on),
                self.limits.label_range,
            )
            keep = self._keep if keeps else _forget
            summed = totals(view, ground, tell, keep, anew=fresh)
            evidence, report = self._look(view, summed, ground)
            images = {chunk: sums.counts["images"] for chunk, sums in summed.chunks.items()}
            paths = files.choose(view, images, seed, every=all_files)
        looked = files.look(paths, summed.sums.counts["images"], seed, tell)
        findings = judge(Evidence(**evidence, files=looked))
        seconds = time.perf_counter() - started
        return QualityReport(
            checked_at=checked_at, **report, files=looked, findings=findings, seconds=seconds
        )

    def _claim(self) -> bool:
        """Whether sums can be kept; if so, marks are claimed."""
        with self.db.read() as view:
            if not aggregates.can_keep(view):
                return False
            waiting = aggregates.must_claim(view)
        if waiting:
            with self.db.write(self.actor) as tx:
                aggregates.claim(tx)
        return True

    def _keep(self, seen: Standing, basis: str, made: Mapping[int, Any]) -> None:
        with self.db.write(self.actor) as tx:
            aggregates.keep(tx, seen, basis, made)

    def _look(
        self, view: Snapshot, summed: Totals, ground: Ground
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """What is judged, and what is reported."""
        sums, limits = summed.sums, self.limits
        scores = telling.scores(sums, limits.min_quality_score)
        coverages = self._coverages(view, ground)
        models = telling.models(sums, cases.versions(view), coverages, limits.width)
        counts, ids = _gather(view, summed, limits)
        counts["look_alikes"], pairs = cases.look_alikes(view, SHOWN)
        overall, by_type, by_month = telling.verification(sums)
        evidence = {
            "counts": counts,
            "ids": ids,
            "scores": scores,
            "models": models,
            "confidence_threshold": limits.flag_threshold,
            "far_residual": telling.far_residuals(sums, limits.width),
            "far_score": telling.far_scores(sums),
            "outliers": sums.outliers,
            "spreads": sums.spreads,
            "lowest": sums.lowest,
            "pairs": pairs,
            "unmeasurable": cases.unscored_and_unreadable(view),
        }
        report = {
            "counts": sums.counts,
            "scores": scores,
            "completeness": telling.completeness(sums),
            "labels_per_image": telling.per_image(sums.labelled),
            "predictions_per_image": telling.per_image(sums.predicted),
            "verification": overall,
            "verification_by_type": by_type,
            "verification_by_month": by_month,
            "models": models,
            "confidence_threshold": limits.flag_threshold,
            "low_confidence": counts["low_confidence"],
            "outliers": _cases(sums.outliers, "prediction_id", "residual"),
            "disagreements": _cases(sums.spreads, None, "spread"),
            "duplicate_pairs": counts["look_alikes"],
            "restricted_labels": sums.counts["restricted_labels"],
            "summed_chunks": summed.made,
        }
        return evidence, report

    def _coverages(self, view: Snapshot, ground: Ground) -> dict[tuple[int, str], Coverage]:
        """By model version and split, on the images of the newest labels."""
        newest = stretches.newest_labelled(view, NEWEST, ground.restricted)
        given, labels, bases = matched(*newest)
        trained = ground.trainings.of(np.unique(given["model"]).tolist())
        splits = trained.splits(given["model"], given["image"])
        residuals = np.abs(given["value"] - labels["value"])
        independent = np.isin(bases, [at for at, name in enumerate(BASES) if name in INDEPENDENT])
        order = np.lexsort((labels["id"], labels["month"]))
        found = {}
        for model in np.unique(given["model"]).tolist():
            for split in np.unique(splits[given["model"] == model]).tolist():
                of_both = order[((given["model"] == model) & (splits == split))[order]]
                best = of_both[independent[of_both]]
                chosen, told = (best, "independent") if len(best) >= FEWEST else (of_both, "all")
                share = self.limits.interval_coverage
                found[model, SPLITS[split]] = conformal(residuals[chosen], share, told)
        return found


def _forget(seen: Standing, basis: str, made: Mapping[int, Any]) -> None:
    """For who may not write."""
    del seen, basis, made


def _gather(
    view: Snapshot, summed: Totals, limits: Limits
) -> tuple[dict[str, int], dict[str, list[int]]]:
    """How many of each kind of finding, and the ids of the first."""
    sums = summed.sums
    counts = {kind: count(sums) for kind, count in LACKING.items()}
    counts["disagreeing"] = sums.counts["disagreeing"]
    ids = {}
    for kind, count in LACKING.items():
        if counts[kind]:
            chunks = [chunk for chunk, part in summed.chunks.items() if count(part)]
            ids[kind] = cases.first_images(view, kind, chunks, SHOWN)
    counts["low_quality"], ids["low_quality"] = cases.poor_images(
        view, limits.min_quality_score, SHOWN
    )
    counts["not_scored"], ids["not_scored"] = cases.unscored_images(view, SHOWN)
    counts["unreadable"], ids["unreadable"] = cases.unreadable_images(view, SHOWN)
    people, consensus = telling.verification(sums)[0], sums.counts["consensus"]
    counts["not_verified"] = sums.counts["labels"] - consensus - people.verified
    if counts["not_verified"]:
        ids["not_verified"] = cases.unverified_labels(view, summed.restricted, SHOWN)
    least = math.floor(limits.flag_threshold * FRACTIONS)
    counts["low_confidence"] = int(sums.confidences[:least].sum()) + cases.unsure_between(
        view, least / FRACTIONS, limits.flag_threshold
    )
    if counts["low_confidence"]:
        ids["low_confidence"] = cases.unsure_predictions(view, limits.flag_threshold, SHOWN)
    for kind, first in ids.items():
        if len(first) < SHOWN:  # so these are all: whatever the sums say
            counts[kind] = len(first)
    return counts, ids


LACKING: Final[dict[str, Callable[[Sums], int]]] = {
    "no_specimen": lambda sums: sums.counts["images"] - sums.counts["specimen"],
    "no_magnification": lambda sums: sums.counts["images"] - sums.counts["magnification"],
    "no_pixel_size": lambda sums: sums.counts["images"] - sums.counts["pixel_size"],
    "not_labelled": lambda sums: sums.counts["unlabelled"],
}
"""Kind of finding to how many images lack something, by the sums."""


def _cases(found: list[Case], row: str | None, size: str) -> tuple[dict[str, Any], ...]:
    """Cases as a report tells them; `row` names the id of the row, where that is no image."""
    return tuple(
        {**({row: row_id} if row else {}), "image_id": image, size: value}
        for value, row_id, image in found
    )
