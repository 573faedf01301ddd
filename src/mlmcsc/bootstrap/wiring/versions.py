"""Dataset versions: frozen, compared, proven, given away."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING

from mlmcsc.bootstrap.wiring.bound import Bound

if TYPE_CHECKING:
    from mlmcsc.services.automatic_versions import AutomaticVersions
    from mlmcsc.services.dataset_exports import DatasetExports
    from mlmcsc.services.lineage import Lineage
    from mlmcsc.services.version_checks import VersionChecks
    from mlmcsc.services.versions import Versions


class VersionServices(Bound):
    """The services of dataset versions."""

    @cached_property
    def versions(self) -> Versions:
        """Dataset versions: made, listed, tagged, deleted."""
        from mlmcsc.services.training import select
        from mlmcsc.services.versions import VersionPlaces, Versions

        database = self._database
        places = VersionPlaces(database.versions, database.images.thumbnails.parent)
        choose = partial(select, label_range=database.label_range, votes=True)
        return Versions(database.store, self.actor, places, choose, database.label_range)

    @cached_property
    def automatic_versions(self) -> AutomaticVersions:
        """Versions made by rule."""
        from mlmcsc.domain.versions.automatic import Rules
        from mlmcsc.services.automatic_versions import AutomaticVersions

        versioning = self._database.config.versioning
        rules = Rules(
            versioning.enabled,
            versioning.auto_new_labels,
            versioning.auto_schedule,
            versioning.name_pattern,
        )
        return AutomaticVersions(self._database.store, self.actor, rules, self.versions.create)

    @cached_property
    def version_checks(self) -> VersionChecks:
        """What changed between versions, and whether they are whole."""
        from mlmcsc.services.version_checks import VersionChecks

        versioning = self._database.config.versioning
        # So many label changes make a version by themselves; None: none do.
        to_next = versioning.auto_new_labels if versioning.enabled else None
        return VersionChecks(self._database.store, self.actor, self._database.versions, to_next)

    @cached_property
    def lineage(self) -> Lineage:
        """What came of what."""
        from mlmcsc.services.lineage import Lineage

        return Lineage(self._database.store, self.actor, self._database.versions)

    @cached_property
    def dataset_exports(self) -> DatasetExports:
        """Versions written out for other programs."""
        from mlmcsc.services.dataset_exports import DatasetExports

        return DatasetExports(self._database.store, self.actor, self._database.versions)
