"""Is the database well? One glance, one answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from mlmcsc.adapters.system import disk_free
from mlmcsc.domain.backups.drills import BackupStanding, concern
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.records import ModelVersionRecord
from mlmcsc.domain.results import HealthCheck, SystemHealth
from mlmcsc.store import schema
from mlmcsc.store.models import model_versions
from mlmcsc.store.queries import backup_drills, rows, stats
from mlmcsc.store.uow import Store

DISK_ERROR = 256 << 20


@dataclass(frozen=True, slots=True)
class Health:
    """Look at the state of the database, in one actor's name.

    Attributes:
        db: The open database.
        actor: In whose name.
        url: Where it is, without password.
        label_range: Lowest and highest label.
        disk_warning_percent: Free disk space, in percent, below which to warn.
        wal_warning_mb: Write-ahead log, in 10⁶ bytes, above which to warn.
        backup_warning_hours: Age of the last good backup above which to warn.
    """

    db: Store
    actor: Actor
    url: str
    label_range: tuple[float, float]
    disk_warning_percent: float
    wal_warning_mb: float
    backup_warning_hours: float

    @requires(Permission.READ)
    def status(self) -> SystemHealth:
        """Sizes, counts and checks; reads, never writes."""
        with self.db.read() as view:
            dialect = view.dialect
            size, wal = dialect.database_bytes(view.conn), dialect.wal_bytes()
            product = dialect.server_version(view.conn)
            revision = schema.revision(view.conn) or "none"
            tables, coverage = stats.table_counts(view), stats.coverage(view)
            active = rows.first(view, model_versions, ModelVersionRecord, is_active=True)
            now = self.db.clock()
            backup = None if dialect.in_memory else backup_drills.glance(view, now)
            since = backup_drills.first_event(view) or now
        checks = [HealthCheck("connection", "ok", product), self._wal_check(wal)]
        if backup is not None:
            checks.append(self._backup_check(backup, now - since))
        free = None
        if dialect.path is not None:
            free, total = disk_free(dialect.path.parent)
            checks.append(self._disk_check(free, total))
            if "journal_mode=delete" in product:
                checks.append(
                    HealthCheck(
                        "sqlite",
                        "warning",
                        "This SQLite library is too old for safe write-ahead logging; writers are "
                        "slower. Install sqlcipher3 >= 0.6.4.",
                    )
                )
        worst = {check.status for check in checks}
        status = "failing" if "error" in worst else "degraded" if "warning" in worst else "healthy"
        return SystemHealth(
            status=status,
            database=product,
            url=self.url,
            schema_revision=revision,
            label_range=self.label_range,
            database_bytes=size,
            wal_bytes=wal,
            disk_free_bytes=free,
            tables=tables,
            coverage=coverage,
            active_model=active.version if active else None,
            backup=backup,
            checks=tuple(checks),
        )

    def _backup_check(self, backup: BackupStanding, unsaved: timedelta) -> HealthCheck:
        hours = unsaved / timedelta(hours=1)
        worrying, told = concern(backup, hours, self.backup_warning_hours)
        return HealthCheck("backup", "warning" if worrying else "ok", told)

    def _disk_check(self, free: int, total: int) -> HealthCheck:
        percent = 100 * free / total
        told = f"{free / 1e9:.1f} GB free ({percent:.0f} %)"
        if free < DISK_ERROR:
            return HealthCheck("disk", "error", f"{told}. Free some space now: writes will fail.")
        if percent < self.disk_warning_percent:
            return HealthCheck("disk", "warning", f"{told}. Free some space, or move the database.")
        return HealthCheck("disk", "ok", told)

    def _wal_check(self, wal: int) -> HealthCheck:
        told = f"{wal / 1e6:.1f} MB in the write-ahead log"
        if wal > self.wal_warning_mb * 1e6:
            return HealthCheck(
                "wal", "warning", f"{told}. A long-running reader keeps it from shrinking."
            )
        return HealthCheck("wal", "ok", told)
