"""The backups of this database in the places that the settings name, by their manifests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from mlmcsc.adapters.backup_store.store import BackupStore, Entry
from mlmcsc.domain.backups.holdings import HeldSet, Holdings, NamedBackups, gone_by
from mlmcsc.domain.backups.keeping import Periods
from mlmcsc.domain.backups.manifest import FILE, LARGEST, read_manifest
from mlmcsc.domain.backups.names import RESERVED
from mlmcsc.errors import MlmcscError, StoreError, UnknownRecordError
from mlmcsc.store.schema import read_setting
from mlmcsc.store.uow import Store

BASE: Final = "wal"
"""Folder of a server's base backups in a place."""


@dataclass(frozen=True, slots=True)
class BackupSets:
    """Where backups go by the settings, and how long they stay.

    Attributes:
        db: The database.
        places: Folder, bucket, both or none.
        open_place: From a place to its store.
        periods: How long backups are kept.
        schedule: When they are made.
    """

    db: Store
    places: Sequence[str | Path]
    open_place: Callable[[str | Path], BackupStore]
    periods: Periods
    schedule: str

    def look(self) -> Holdings:
        """What is there now; a place that cannot be read is told, and no error."""
        with self.db.read() as view:
            database_id = str(read_setting(view.conn, "database_id"))
        found: list[HeldSet] = []
        unread: dict[str, str] = {}
        for place in self.places:
            try:
                if isinstance(place, Path) and not place.exists():
                    continue  # nobody has made a backup there
                store = self.open_place(place)
                for where in _folders(store):
                    try:
                        found += self._set(store, where, database_id)
                    except (MlmcscError, ValueError) as error:
                        unread[f"{store.place}/{where}"] = str(error)
            except StoreError as error:
                unread[str(place)] = str(error)
        return Holdings(tuple(map(str, self.places)), tuple(found), unread)

    def _set(self, store: BackupStore, where: str, database_id: str) -> Iterator[HeldSet]:
        try:
            raw = store.get(f"{where}/{FILE}", LARGEST)
        except UnknownRecordError:
            return  # no backup: its manifest is written last
        crypto = self.db.vault.crypto
        manifest, _ = read_manifest(raw, where.rpartition("/")[2], crypto.verify)
        if manifest.database_id == database_id:
            yield HeldSet(
                place=store.place,
                name=where,
                set_id=manifest.set_id,
                kind=manifest.kind,
                taken_at=datetime.fromisoformat(manifest.taken_at).astimezone(UTC),
                key_id=manifest.index.key_id,
            )

    def naming(self) -> NamedBackups:
        """The backups that still name whoever is erased now, and until when."""
        found = self.look()
        sets = [each for each in found.sets if each.kind != "physical"]
        last = gone_by(sets, self.db.clock(), self.periods, self.schedule)
        day = None if last is None else last.date().isoformat()
        n_base = len(found.sets) - len(sets)
        return NamedBackups(found.places, len(sets), day, n_base, found.unread)


def _folders(store: BackupStore) -> list[str]:
    """Of sets, and of base backups of a server, which lie one folder deeper."""
    base = [e.key.removesuffix(f"/{FILE}") for e in store.entries(f"{BASE}/") if _is_manifest(e)]
    return [*sorted(set(store.names()) - RESERVED), *sorted(base)]


def _is_manifest(entry: Entry) -> bool:
    return entry.key.count("/") == 2 and entry.key.endswith(f"/{FILE}")  # noqa: PLR2004  wal/NAME/
