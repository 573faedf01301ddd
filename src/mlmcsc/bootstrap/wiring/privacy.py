"""People's rights, and the keys under which their texts are sealed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mlmcsc.bootstrap.wiring.upkeep import UpkeepServices
from mlmcsc.domain.permissions import Actor, Permission

if TYPE_CHECKING:
    from mlmcsc.services.privacy.access import Access
    from mlmcsc.services.privacy.erasure import Erasure, Outside
    from mlmcsc.services.privacy.keys import VaultKeys
    from mlmcsc.services.privacy.report import Reporting
    from mlmcsc.services.privacy.requests import Requests
    from mlmcsc.services.privacy.sealing import Sealing


class PrivacyServices(UpkeepServices):
    """The services of people's rights."""

    @cached_property
    def erasure(self) -> Erasure:
        """People erased, or made anonymous."""
        from mlmcsc.services.privacy.erasure import Erasure

        return Erasure(self._database.store, self.actor, self._outside())

    @cached_property
    def access(self) -> Access:
        """Everything about and by a person."""
        from mlmcsc.services.privacy.access import Access
        from mlmcsc.services.retention import periods
        from mlmcsc.services.versions.redacting import VersionRedaction

        database = self._database
        return Access(
            database.store,
            self.actor,
            periods(database.config.retention),
            self.archives.labels_of,
            VersionRedaction(database.store, database.versions).of_person,
        )

    @cached_property
    def requests(self) -> Requests:
        """What people asked for, and until when they are owed an answer."""
        from mlmcsc.services.privacy.requests import Requests

        return Requests(self._database.store, self.actor)

    @cached_property
    def vault_keys(self) -> VaultKeys:
        """The master keys."""
        from mlmcsc.services.privacy.keys import VaultKeys

        database = self._database
        return VaultKeys(database.store, self.actor, database.kept_keys, database.backup_sets)

    @cached_property
    def sealing(self) -> Sealing:
        """Texts that raw SQL wrote, sealed."""
        from mlmcsc.services.privacy.sealing import Sealing

        return Sealing(self._database.store, self.actor)

    @cached_property
    def privacy_report(self) -> Reporting:
        """How things stand with regard to people's rights."""
        from mlmcsc.bootstrap.leftovers import look_for
        from mlmcsc.services.privacy.report import Reporting, Sources
        from mlmcsc.services.retention import periods

        # Counts and ids of other services, for which the report's right is enough.
        looking = replace(self.actor, permissions=frozenset({Permission.RETAIN, Permission.KEYS}))
        erasure = self.erasure
        sources = Sources(
            replace(self.retention, actor=looking).plan,
            replace(self.vault_keys, actor=looking).state,
            lambda: [*erasure.unreplayed(), *erasure.untold()],
            look_for(self._database),
        )
        days = periods(self._database.config.retention)
        return Reporting(self._database.store, self.actor, days, sources)

    def _outside(self) -> Outside:
        """What an erasure needs of the other services, and the folders that it empties."""
        from mlmcsc.bootstrap.leftovers import look_for, shred_for
        from mlmcsc.services.privacy.erasure import Outside
        from mlmcsc.services.versions.redacting import VersionRedaction

        database, archives, proof = self._database, self.archives, self.audit_proof

        def erase_archives(actor: Actor, *who: Any, **choice: Any) -> Mapping[str, Any]:
            return replace(archives, actor=actor).erase_person(*who, **choice).to_dict()

        return Outside(
            ledger=database.ledger,
            caches=database.images.thumbnails.parent,
            forget_open=database.matrices.matrices.clear,
            erase_archives=erase_archives,
            versions=VersionRedaction(database.store, database.versions),
            checkpoint=lambda actor: replace(proof, actor=actor).checkpoint().to_dict(),
            kept_keys=database.kept_keys,
            backups=database.backup_sets.naming,
            left_behind=look_for(database),
            shred_left=shred_for(database),
        )
