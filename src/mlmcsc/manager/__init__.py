"""`DatabaseManager`: the documented calls, each one line onto the service that does the work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from mlmcsc import bootstrap
from mlmcsc.manager.annotations import AnnotationCalls
from mlmcsc.manager.backups import BackupCalls
from mlmcsc.manager.images import ImageCalls
from mlmcsc.manager.learning import LearningCalls
from mlmcsc.manager.people import PeopleCalls
from mlmcsc.manager.privacy import PrivacyCalls
from mlmcsc.manager.quality import QualityCalls
from mlmcsc.manager.versions import VersionCalls

if TYPE_CHECKING:
    from mlmcsc.config import Config
    from mlmcsc.domain.permissions import Actor
    from mlmcsc.domain.results import SystemHealth


class DatabaseManager(
    ImageCalls,
    PeopleCalls,
    AnnotationCalls,
    LearningCalls,
    PrivacyCalls,
    VersionCalls,
    BackupCalls,
    QualityCalls,
):
    """An open mlmcsc database.

    The documented calls are methods here; the services they belong to (`images`, `labels`,
    `predictions`, `features`, `models`, `technicians`, `specimens`, `training` …) offer the
    rest. Safe to share between threads; use it as a context manager, or call `close()`.

    Args:
        database_url: `sqlite:///file.db` or `postgresql://user:password@host/database`; created
            or upgraded as needed. Left out, the configuration says.
        config: Settings; looked up by `load_config` when left out.
        label_range: Lowest and highest label of a new database (0 to 1 unless configured).
        create: Whether a database that is not there is made; else that is a StoreError.

    Raises:
        StoreError: The database cannot be opened; the message says why.
        SchemaError: The database belongs to another program or a newer release.
        ConflictError: `label_range` is not that of the existing database.
    """

    def __init__(
        self,
        database_url: str | None = None,
        *,
        config: Config | None = None,
        label_range: tuple[float, float] | None = None,
        actor: Actor | None = None,
        create: bool = True,
    ) -> None:
        database = bootstrap.open_database(database_url, config, label_range, create=create)
        self._bind(database, actor or bootstrap.default_actor(), owner=True)

    def _bind(self, database: bootstrap.Database, actor: Actor, *, owner: bool) -> None:
        super().__init__(database, actor)
        self._owner = owner
        self.opened = database.opened  # created, upgraded or current
        self.adoption = database.adoption  # how a database of the original system was taken over

    def acting_as(self, actor: Actor) -> DatabaseManager:
        """The same database for another actor, who may do at most what this one may."""
        self.actor.may_act_as(actor)
        bound = object.__new__(DatabaseManager)
        bound._bind(self._database, actor, owner=False)  # our own class
        return bound

    @property
    def url(self) -> str:
        """Where the database is, without password."""
        return self._database.url

    @property
    def label_range(self) -> tuple[float, float]:
        """Lowest and highest label that this database accepts."""
        return self._database.label_range

    @property
    def stayed_sealed(self) -> str | None:
        """Why personal texts read `[sealed]`; None where none did."""
        return self._database.store.vault.stayed_sealed

    def close(self) -> None:
        """Close all connections, for good; on what `acting_as` returned, it does nothing."""
        if self._owner:
            self._database.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get_system_health(self) -> SystemHealth:
        """The state of the database at a glance; see `Health.status`."""
        return self.health.status()
