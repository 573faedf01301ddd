"""Model versions, and which one is active."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Unpack

from mlmcsc.config.logs import logger
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.filters import check_page
from mlmcsc.domain.keywords import ModelDetails
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.records import ModelVersionRecord
from mlmcsc.domain.results import Page
from mlmcsc.domain.tables import MODEL_VERSIONS
from mlmcsc.errors import UnknownRecordError
from mlmcsc.store.models import model_versions
from mlmcsc.store.queries import lineage as lineage_queries
from mlmcsc.store.queries import registers, rows
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store, Transaction


@dataclass(frozen=True, slots=True)
class Models:
    """Register, activate and read model versions, in one actor's name."""

    db: Store
    actor: Actor

    @requires(Permission.MANAGE_MODELS)
    def register(
        self, version: str, name: str, model_path: str, **details: Unpack[ModelDetails]
    ) -> int:
        """Register a model version and return the id to predict with.

        Args:
            version: Unique version name, at most 50 characters.
            name: Model name.
            model_path: Where the model file lies.
            **details: See `mlmcsc.domain.tables.MODEL_VERSIONS`. `training_data_version` is the
                name of a data version, or a tag, in whose place the version that it points to is
                stored. Another text is kept as it is, and warned of: lineage ends there.

        Raises:
            ValidationError: A value is wrong.
            ConflictError: The version is registered with other facts.
        """
        path = os.fspath(model_path) if isinstance(model_path, os.PathLike) else model_path
        values = MODEL_VERSIONS.check(
            {"version": version, "name": name, "model_path": path, **details}
        )
        with self.db.write(self.actor) as tx:
            values |= _linked(tx, values.get("training_data_version"))
            return registers.register(tx, model_versions, ModelVersionRecord, "version", values)

    @requires(Permission.MANAGE_MODELS)
    def set_active(self, model: int | str) -> ModelVersionRecord:
        """Make one model version, by id or version name, the active one.

        Raises:
            ValidationError: It is neither an id nor a version name.
            UnknownRecordError: If there is none.
        """
        with self.db.write(self.actor) as tx:
            registers.lock(tx, model_versions)
            chosen = _find(tx, model)
            before = rows.first(tx, model_versions, ModelVersionRecord, is_active=True)
            if before is None or before.id != chosen.id:
                registers.activate_model(tx, chosen.id)
                tx.record(
                    AuditEvent(
                        Operation.ACTIVATE,
                        "model_versions",
                        chosen.id,
                        old_values={"active": before.version if before else None},
                        new_values={"active": chosen.version},
                    )
                )
            return _find(tx, chosen.id)

    @requires(Permission.READ)
    def active(self) -> ModelVersionRecord | None:
        """The active model version, or None while none was chosen."""
        with self.db.read() as view:
            return rows.first(view, model_versions, ModelVersionRecord, is_active=True)

    @requires(Permission.READ)
    def get(self, model: int | str) -> ModelVersionRecord:
        """One model version, by id or version name.

        Raises:
            ValidationError: It is neither an id nor a version name.
            UnknownRecordError: If there is none.
        """
        with self.db.read() as view:
            return _find(view, model)

    @requires(Permission.READ)
    def list(self, *, after_id: int = 0, limit: int = 100) -> Page[ModelVersionRecord]:
        """Model versions by id, a page at a time."""
        check_page(after_id, limit)
        with self.db.read() as view:
            return rows.page(
                view, model_versions, ModelVersionRecord, (), after_id=after_id, limit=limit
            )


def _linked(tx: Transaction, stated: str | None) -> dict[str, str]:
    """The version behind a tag: tags move, what a model was trained on does not."""
    if stated is None:
        return {}
    found = lineage_queries.named(tx, stated)
    if found is None:
        logger(__name__).warning("training_data_version_unknown", training_data_version=stated)
        return {}
    return {"training_data_version": found[0]}


def _find(view: View, model: int | str) -> ModelVersionRecord:
    key = MODEL_VERSIONS.by_name["version"]
    record = registers.find(view, model_versions, ModelVersionRecord, key, model)
    if record is None:
        raise UnknownRecordError(
            f"model version {model!r} does not exist. See `models list`, or register it first."
        )
    return record
