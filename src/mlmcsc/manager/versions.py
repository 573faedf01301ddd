"""Documented calls on dataset versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from mlmcsc.bootstrap import Services

if TYPE_CHECKING:
    from mlmcsc.domain.progress import Progress
    from mlmcsc.domain.records import DataVersionRecord
    from mlmcsc.domain.results import Page
    from mlmcsc.domain.versions.choice import ChoiceKeywords


class VersionCalls(Services):
    """Each one line onto `Versions`."""

    def create_data_version(
        self,
        version: str,
        name: str | None = None,
        description: str | None = None,
        *,
        progress: Progress | None = None,
        **choice: Unpack[ChoiceKeywords],
    ) -> DataVersionRecord:
        """Freeze the labelled images under a name; see `Versions.create`, which tells more."""
        made = self.versions.create(version, name, description, progress=progress, **choice)
        return made.record or self.versions.get(version)

    def get_data_versions(self, *, after_id: int = 0, limit: int = 100) -> Page[DataVersionRecord]:
        """Versions by id, a page at a time; see `Versions.list`."""
        return self.versions.list(after_id=after_id, limit=limit)
