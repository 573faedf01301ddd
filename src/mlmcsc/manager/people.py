"""Documented calls on people and model versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from mlmcsc.bootstrap import Services

if TYPE_CHECKING:
    from mlmcsc.domain import keywords as kw
    from mlmcsc.domain.records import ModelVersionRecord


class PeopleCalls(Services):
    """Each one line onto `Technicians` or `Models`."""

    def register_technician(
        self, technician_id: str, name: str, **details: Unpack[kw.TechnicianDetails]
    ) -> int:
        """Register a technician and return the id to label with; see `Technicians.register`."""
        return self.technicians.register(technician_id, name, **details)

    def register_model_version(
        self, version: str, name: str, model_path: str, **details: Unpack[kw.ModelDetails]
    ) -> int:
        """Register a model version and return its id; see `Models.register`."""
        return self.models.register(version, name, model_path, **details)

    def set_active_model(self, model: int | str) -> ModelVersionRecord:
        """Make one model version the active one; see `Models.set_active`."""
        return self.models.set_active(model)

    def get_active_model(self) -> ModelVersionRecord | None:
        """The active model version, or None; see `Models.active`."""
        return self.models.active()
