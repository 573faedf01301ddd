"""The database's health, its audit trail, and how long its rows are kept."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from mlmcsc.bootstrap.wiring.bound import Bound

if TYPE_CHECKING:
    from mlmcsc.services.archives import Archives
    from mlmcsc.services.audit import Audit
    from mlmcsc.services.audit_proof import AuditProof
    from mlmcsc.services.health import Health
    from mlmcsc.services.holds import Holds
    from mlmcsc.services.maintenance import Maintenance
    from mlmcsc.services.retention import Retention


class UpkeepServices(Bound):
    """The services that look after the database."""

    @cached_property
    def health(self) -> Health:
        """The state of the database at a glance."""
        from mlmcsc.services.health import Health

        monitoring = self._database.config.monitoring
        return Health(
            self._database.store,
            self.actor,
            self._database.url,
            self._database.label_range,
            monitoring.disk_free_warning_percent,
            monitoring.wal_size_warning_mb,
            monitoring.backup_age_warning_hours,
        )

    @cached_property
    def maintenance(self) -> Maintenance:
        """Checks and repairs of the database and its files."""
        from mlmcsc.services.maintenance import Maintenance, Places

        database = self._database
        places = Places(
            managed=database.images.managed,
            thumbnails=database.images.thumbnails,
            matrices=database.matrices.root,
            open_matrices=database.matrices.matrices,
            max_pixels=database.images.max_pixels,
            workers=database.images.workers,
        )
        return Maintenance(database.store, self.actor, database.label_range, places)

    @cached_property
    def audit(self) -> Audit:
        """The audit trail: read, searched, exported."""
        from mlmcsc.services.audit import Audit

        return Audit(self._database.store, self.actor)

    @cached_property
    def audit_proof(self) -> AuditProof:
        """The audit trail: checkpoints and proofs."""
        from mlmcsc.services.audit_proof import AuditProof

        return AuditProof(self._database.store, self.actor)

    @cached_property
    def retention(self) -> Retention:
        """Rows and files that are kept as long as needed, and no longer."""
        from mlmcsc.services.retention import FilePlaces, Retention, periods

        database = self._database
        places = FilePlaces(database.images.managed, database.images.thumbnails, database.archives)
        return Retention(database.store, self.actor, periods(database.config.retention), places)

    @cached_property
    def archives(self) -> Archives:
        """Old rows in signed files, and back."""
        from mlmcsc.services.archives import Archives

        return Archives(self._database.store, self.actor, self._database.archives)

    @cached_property
    def holds(self) -> Holds:
        """People and rows that nobody may erase, or use, for now."""
        from mlmcsc.services.holds import Holds

        return Holds(self._database.store, self.actor)
