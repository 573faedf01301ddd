"""Model version, data version, labels and people: what came of what, both ways."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from mlmcsc.adapters.versions import VersionFolder
from mlmcsc.domain.lineage import (
    EVALUATED,
    TRAINED,
    ImageLineage,
    ImageUse,
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
from mlmcsc.store.models import images, model_versions, technicians
from mlmcsc.store.queries import lineage as queries
from mlmcsc.store.queries import registers, rows
from mlmcsc.store.queries import versions as version_queries
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Lineage:
    """Follow models, versions, labels and people to one another, in one actor's name."""

    db: Store
    actor: Actor
    versions: VersionFolder

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

        return _twice(ask)

    @requires(Permission.READ)
    def training_data(self, model: int | str) -> TrainingDataLink:
        """What a model says it was trained on, without reading that version.

        Raises:
            UnknownRecordError: There is no such model.
        """
        with self.db.read() as view:
            return link(view, _model(view, model).training_data_version)

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

        return _twice(ask)

    @requires(Permission.READ)
    def of_image(self, image: int) -> ImageLineage:
        """The versions that have an image, and the models that learnt or were judged by it.

        Args:
            image: Its id.

        Raises:
            UnknownRecordError: There is no such image.
            IntegrityError: The rows of a version cannot be read.
        """
        return _twice(lambda: self._of_image(image))

    def _of_image(self, image: int) -> ImageLineage:
        with self.db.read() as view:
            record = rows.get(view, images, ImageRecord, image)
            if record is None:
                raise UnknownRecordError(f"image {image} does not exist. See `images list`.")
            models = queries.models_trained(view)
            frozen = [each for each in version_queries.every(view) if each.frozen]
        uses = tuple(
            use
            for each in frozen
            if (use := self._image_in(each, record.id, models.get(each.version, ()))) is not None
        )
        return ImageLineage(
            record.id,
            record.path,
            uses,
            _names(models for use in uses if use.use == TRAINED for models in use.models),
            _names(models for use in uses if use.use == EVALUATED for models in use.models),
        )

    def _image_in(
        self, version: DataVersionRecord, image_id: int, models: tuple[ModelName, ...]
    ) -> ImageUse | None:
        batches = self.versions.rows(read_layers(version.layers), contents.ONE_IMAGE)
        row = contents.find_image(batches, image_id)
        if row is None:
            return None
        split = Split(row["split"])
        use: Use = TRAINED if split is Split.TRAIN else EVALUATED
        return ImageUse(
            version.version,
            split.name.lower(),
            row["label"],
            row["state"] == State.REDACTED,
            use,
            models,
        )

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
        return _twice(lambda: self._of_person(technician, personal=personal))

    def _of_person(self, technician: int | str, *, personal: bool) -> PersonLineage:
        with self.db.read() as view:
            who = _technician(view, technician)
            models = queries.models_trained(view)
            frozen = [each for each in version_queries.every(view) if each.frozen]
        uses = tuple(
            use
            for each in frozen
            if (use := self._person_in(each, who.id, models.get(each.version, ()))) is not None
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


def _twice(ask: Callable[[], T]) -> T:
    """Ask again where files were gone: an erasure may replace them after we looked them up."""
    try:
        return ask()
    except IntegrityError:
        return ask()


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
