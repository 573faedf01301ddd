"""Model version, data version, labels and people: what came of what, both ways."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from mlmcsc.adapters.versions import VersionFolder
from mlmcsc.adapters.versions.finding import find_row
from mlmcsc.domain.lineage import (
    EVALUATED,
    TRAINED,
    ImageLineage,
    ImageUse,
    LabelLineage,
    ModelLineage,
    ModelName,
    PersonLineage,
    PersonUse,
    TrainingDataLink,
    Use,
    VersionLineage,
)
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.records import (
    DataVersionRecord,
    ImageRecord,
    LabelRecord,
    ModelVersionRecord,
    TechnicianRecord,
)
from mlmcsc.domain.splits import Split
from mlmcsc.domain.tables import MODEL_VERSIONS, TECHNICIANS
from mlmcsc.domain.versions.layers import read_layers
from mlmcsc.domain.versions.rows import State
from mlmcsc.errors import IntegrityError, PermissionDeniedError, UnknownRecordError
from mlmcsc.services.lineage import contents
from mlmcsc.services.lineage.telling import Teller, link
from mlmcsc.store.models import images, labels, model_versions, technicians
from mlmcsc.store.queries import lineage as queries
from mlmcsc.store.queries import registers, rows
from mlmcsc.store.queries import versions as version_queries
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store

T = TypeVar("T")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Lineage:
    """Follow models, versions, labels and people to one another, in one actor's name."""

    db: Store
    actor: Actor
    versions: VersionFolder

    def _settled(self, ask: Callable[[], T]) -> T:
        """Ask again where an erasure replaced files after we looked up which they were."""
        before = self._layers()
        try:
            return ask()
        except IntegrityError:
            if self._layers() == before:
                raise
            return ask()

    def _layers(self) -> list[tuple[int, Any]]:
        with self.db.read() as view:
            return queries.layers_of_versions(view)

    @requires(Permission.READ)
    def of_model(self, model: int | str) -> ModelLineage:
        """What a model was trained on, and what its predictions did to later labels.

        Args:
            model: Id or version name.

        Raises:
            UnknownRecordError: There is no such model.
            IntegrityError: The version's rows cannot be read.
        """

        def ask() -> ModelLineage:
            with self.db.read() as view:
                return Teller(view, self.actor, self.versions).model(_model(view, model))

        return self._settled(ask)

    @requires(Permission.READ)
    def training_data(self, model: int | str) -> TrainingDataLink:
        """What a model says it was trained on, without reading that version.

        Raises:
            UnknownRecordError: There is no such model.
        """
        with self.db.read() as view:
            return link(view, _model(view, model))

    @requires(Permission.READ)
    def of_version(self, version: str) -> VersionLineage:
        """What a version was made of, and which models were trained on it.

        Args:
            version: Name or tag.

        Raises:
            UnknownRecordError: There is no such version.
            IntegrityError: Its rows cannot be read.
        """

        def ask() -> VersionLineage:
            with self.db.read() as view:
                found = version_queries.find(view, version)
                return Teller(view, self.actor, self.versions).version(found)[0]

        return self._settled(ask)

    @requires(Permission.READ)
    def of_image(self, image: int) -> ImageLineage:
        """The versions that have an image, and the models that learnt or were judged by it.

        Args:
            image: Its id.

        Raises:
            UnknownRecordError: There is no such image.
            IntegrityError: The rows of a version cannot be read.
        """
        return self._settled(lambda: self._of_image(image))

    def _of_image(self, image: int) -> ImageLineage:
        with self.db.read() as view:
            record = rows.get(view, images, ImageRecord, image)
            if record is None:
                raise UnknownRecordError(f"image {image} does not exist. See `images list`.")
            known = _Known.of(view)
        uses = known.uses(lambda version: self._row(version, image))
        return ImageLineage(image, record.path, uses, *_learnt(uses))

    @requires(Permission.READ)
    def of_label(self, label: int) -> LabelLineage:
        """The versions in which a label decided a value, and the models trained on them.

        A label that was deleted since is found in versions all the same; rows that an erasure
        redacted name no labels any more.

        Args:
            label: Its id.

        Raises:
            UnknownRecordError: It is neither stored nor in any version.
            IntegrityError: The rows of a version cannot be read.
        """
        return self._settled(lambda: self._of_label(label))

    def _of_label(self, label: int) -> LabelLineage:
        with self.db.read() as view:
            record = rows.get(view, labels, LabelRecord, label)
            known = _Known.of(view)
        image = None if record is None else record.image_id

        def row(version: DataVersionRecord) -> Row | None:
            nonlocal image
            if image is None:  # deleted since: nothing tells where to look
                layers = read_layers(version.layers)
                found = contents.find_label(self.versions.rows(layers, contents.ONE_IMAGE), label)
                image = None if found is None else int(found["image_id"])
                return found
            found = self._row(version, image)
            return found if found is not None and label in (found["label_ids"] or ()) else None

        uses = known.uses(row)
        if image is None:
            raise UnknownRecordError(f"label {label} does not exist, nor is it in any version.")
        return LabelLineage(
            label, image, None if record is None else record.label, uses, *_learnt(uses)
        )

    def _row(self, version: DataVersionRecord, image: int) -> Row | None:
        return find_row(self.versions, read_layers(version.layers), image, contents.ONE_IMAGE)

    @requires(Permission.READ)
    def of_person(self, technician: int | str) -> PersonLineage:
        """The versions that have a person's labels, and the models trained on them.

        Args:
            technician: Row id; for actors with the right `read_personal` also staff number.

        Raises:
            UnknownRecordError: There is no such technician.
            PermissionDeniedError: A staff number, and the actor may not know whose labels are
                whose.
            IntegrityError: The rows of a version cannot be read.
        """
        personal = Permission.READ_PERSONAL in self.actor.permissions
        if isinstance(technician, str) and not personal:
            raise PermissionDeniedError(
                f"{self.actor.subject!r} may not look labels up by staff number: that needs the "
                f"permission {Permission.READ_PERSONAL.value!r}. Give the technician's id."
            )
        return self._settled(lambda: self._of_person(technician, personal=personal))

    def _of_person(self, technician: int | str, *, personal: bool) -> PersonLineage:
        with self.db.read() as view:
            who = _technician(view, technician)
            known = _Known.of(view)
        uses = tuple(
            use
            for each in known.versions
            if (use := self._person_in(each, who.id, known.models.get(each.version, ())))
        )
        return PersonLineage(
            who.id,
            who.technician_id if personal else None,
            uses,
            _names(models for use in uses if use.train_labels for models in use.models),
        )

    def _person_in(
        self, version: DataVersionRecord, person: int, models: tuple[ModelName, ...]
    ) -> PersonUse | None:
        found = contents.count_people(
            self.versions.rows(read_layers(version.layers), contents.PEOPLE)
        )
        if person not in found.people:
            return None
        labels, train = found.people[person]
        return PersonUse(version.version, labels, train, labels / found.labels, models)


@dataclass(frozen=True, slots=True)
class _Known:
    """The versions whose rows are kept, oldest first, and the models trained on them."""

    versions: list[DataVersionRecord]
    models: dict[str, tuple[ModelName, ...]]

    @classmethod
    def of(cls, view: View) -> _Known:
        frozen = [each for each in version_queries.every(view) if each.frozen]
        return cls(frozen, queries.models_trained(view))

    def uses(self, row: Callable[[DataVersionRecord], Row | None]) -> tuple[ImageUse, ...]:
        """One for each version that has a row."""
        return tuple(
            _use(each.version, found, self.models.get(each.version, ()))
            for each in self.versions
            if (found := row(each)) is not None
        )


def _use(version: str, row: Row, models: tuple[ModelName, ...]) -> ImageUse:
    split = Split(row["split"])
    use: Use = TRAINED if split is Split.TRAIN else EVALUATED
    redacted = row["state"] == State.REDACTED
    return ImageUse(version, split.name.lower(), row["label"], redacted, use, models)


def _learnt(uses: Iterable[ImageUse]) -> Iterator[tuple[str, ...]]:
    """Models that were trained on them, and models that were evaluated on them."""
    for wanted in (TRAINED, EVALUATED):
        yield _names(models for use in uses if use.use == wanted for models in use.models)


def _names(models: Iterable[ModelName]) -> tuple[str, ...]:
    """Each model once, in the order met."""
    return tuple(dict.fromkeys(model.version for model in models))


def _model(view: View, model: int | str) -> ModelVersionRecord:
    key = MODEL_VERSIONS.by_name["version"]
    record = registers.find(view, model_versions, ModelVersionRecord, key, model)
    if record is None:
        raise UnknownRecordError(
            f"model version {model!r} does not exist. See `models list`, or register it first."
        )
    return record


def _technician(view: View, technician: int | str) -> TechnicianRecord:
    key = TECHNICIANS.by_name["technician_id"]
    record = registers.find(view, technicians, TechnicianRecord, key, technician)
    if record is None:
        raise UnknownRecordError(
            f"technician {technician!r} does not exist. See `technician list`."
        )
    return record
