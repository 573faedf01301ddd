"""Backups: made, looked at, kept."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from mlmcsc.bootstrap.wiring.bound import Bound

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from mlmcsc.adapters.backup_store.store import BackupStore
    from mlmcsc.services.backup_drills import BackupDrills
    from mlmcsc.services.backup_drills.doors import Found
    from mlmcsc.services.backups import Backups
    from mlmcsc.services.point_in_time import BaseBackups


class BackupServices(Bound):
    """The services of backups."""

    @cached_property
    def backups(self) -> Backups:
        """Backups: made, listed, checked, pruned."""
        import orjson

        from mlmcsc.config import backup_folder
        from mlmcsc.domain.release import RELEASE
        from mlmcsc.services.backups import BackupPlaces, Backups, Roots

        database = self._database
        document = database.config.redacted()
        places = BackupPlaces(
            default=backup_folder(database.config, database.store.dialect.path),
            backup=database.config.backup,
            configuration=orjson.dumps(document, option=orjson.OPT_INDENT_2),
            roots=Roots(database.version_folder, database.archive_folder),
            ledger=database.ledger,
            keep_data_keys=database.kept_keys.update,
            release=RELEASE,
        )
        return Backups(database.store, self.actor, places)

    @cached_property
    def backup_drills(self) -> BackupDrills:
        """Backups restored to scratch and checked; those that are due made."""
        from mlmcsc.bootstrap.drilling import to_scratch
        from mlmcsc.bootstrap.leftovers import drill_folders
        from mlmcsc.services.backup_drills import BackupDrills, Doors, Schedule

        database, backups = self._database, self.backups
        doors = Doors(
            find=self._every_backup,
            restore=to_scratch(database, self.actor),
            create=lambda progress: backups.create(kind="scheduled", progress=progress),
            prune=lambda place: backups.prune(to=place),
            hold=self._held,
        )
        config = database.config
        parent, prefix = drill_folders(database.store.dialect.path)
        return BackupDrills(
            database.store,
            self.actor,
            doors,
            Schedule(config.backup.enabled, config.backup.schedule, config.backup.drill),
            parent=parent,
            prefix=prefix,
        )

    def _held(self, store: BackupStore, purpose: str) -> AbstractContextManager[object]:
        """A place, held alone."""
        from mlmcsc.services.backups.waiting import held

        return held(store, purpose, self.actor)

    def _every_backup(self, place: str | None) -> list[Found]:
        """Of a place, or of those that the settings name."""
        from mlmcsc.adapters.backup_store import open_store
        from mlmcsc.services.backup_drills.doors import Found

        places, remote = self.backups.places, self._database.config.backup.remote
        named = [each for each in (places.default, remote) if each is not None]
        wanted = named if place is None and named else [places.place(place)]
        stores = [open_store(each) for each in wanted]
        return [Found(each.place, one) for each in stores for one in self.backups.list(each.place)]

    @cached_property
    def base_backups(self) -> BaseBackups:
        """A PostgreSQL server's files, from which it goes back to any moment since."""
        from mlmcsc.services.point_in_time import BaseBackups

        database, settings = self._database, self._database.config.backup
        places = self.backups.places

        def open_place(place: str | Path | None) -> BackupStore:
            from mlmcsc.adapters.backup_store import open_store

            return open_store(places.place(place))

        return BaseBackups(
            db=database.store,
            actor=self.actor,
            open_place=open_place,
            hold=self._held,
            archive=settings.wal_archive,
            tools=settings.postgresql_tools,
            ledger=database.ledger,
            keep_data_keys=database.kept_keys.update,
            release=places.release,
        )
