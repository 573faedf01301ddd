"""What creating a version works with, and what it has drafted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mlmcsc.adapters.versions import VersionFolder
from mlmcsc.adapters.versions.comparing import Tally
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.progress import Progress
from mlmcsc.domain.records import DataVersionRecord
from mlmcsc.domain.selection import Selection, Votes, Wanted
from mlmcsc.domain.versions.choice import Choice
from mlmcsc.domain.versions.layers import Layer
from mlmcsc.domain.versions.manifest import Manifest
from mlmcsc.errors import IntegrityError
from mlmcsc.services.versions.holding import Held
from mlmcsc.store.queries.rows import View
from mlmcsc.store.queries.version_writes import LabelsSeen, PeopleSeen
from mlmcsc.store.uow import Store

Select = Callable[[View, Wanted], Selection]
"""Chooses images and splits, with the votes."""


@dataclass(frozen=True, slots=True)
class Work:
    """One creation.

    Attributes:
        db: The database.
        actor: In whose name.
        folder: Where rows and manifests go.
        select: How images are chosen.
        label_range: Lowest and highest label.
        choice: What is asked.
        progress: Told how far it has come.
    """

    db: Store
    actor: Actor
    folder: VersionFolder
    select: Select
    label_range: tuple[float, float]
    choice: Choice
    progress: Progress


@dataclass(slots=True)
class Draft:
    """A version before it is committed; only `held` may change.

    Attributes:
        database_id: Of which database.
        selection: Its images.
        parent: The version that it shares rows with, if any.
        layers: Where its rows lie; None for a dry run.
        root: Their Merkle root, hex.
        tally: Rows by kind.
        quality: Mean quality score.
        held: Feature sets.
        labels: Which labels there were; None where they must be compared one by one.
        people: Who was being erased or was restricted.
        new_base: Why no rows are shared although there is an earlier version; None where they are.
    """

    database_id: str
    selection: Selection
    parent: DataVersionRecord | None
    layers: tuple[Layer, ...] | None
    root: str
    tally: Tally
    quality: float | None
    held: list[Held]
    labels: LabelsSeen | None
    people: PeopleSeen
    new_base: str | None = None

    @property
    def votes(self) -> Votes:
        """The labels that the values were made of."""
        if self.selection.votes is None:
            raise IntegrityError("A version needs the labels that its values were made of.")
        return self.selection.votes

    def manifest(self, work: Work, created_at: str) -> Manifest:
        """What the version promises."""
        wanted = work.choice.wanted
        ratios = wanted.ratios
        counts = self.selection.counts()
        return Manifest(
            database_id=self.database_id,
            version=work.choice.version,
            created_at=created_at,
            root=self.root,
            n_rows=len(self.selection.images),
            label_policy=wanted.policy.value,
            group_by=wanted.group_by,
            stratify=bool(wanted.stratify),
            seed=wanted.seed,
            ratios=(float(ratios.train), float(ratios.val), float(ratios.test)),
            label_range=work.label_range,
            filters=work.choice.filters,
            report=self.selection.report.to_dict()
            | {"splits": counts, "labels": len(self.votes.label_ids)},
            features=tuple(each.told for each in self.held),
        )
