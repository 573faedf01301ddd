"""The privacy report, and the record of processing activities."""

from __future__ import annotations

from collections.abc import Callable, Sized
from dataclasses import dataclass

from mlmcsc.domain.backups.left_behind import LeftBehind
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.privacy.article30 import ProcessingRecord, processing_record
from mlmcsc.domain.privacy.keys import KeyState
from mlmcsc.domain.privacy.report import PrivacyReport, actions, counted
from mlmcsc.domain.retention import Periods, RetentionPlan
from mlmcsc.errors import StoreError
from mlmcsc.store.queries import privacy_report as queries
from mlmcsc.store.queries import privacy_requests
from mlmcsc.store.queries.privacy_clear import in_clear
from mlmcsc.store.uow import Store


@dataclass(frozen=True, slots=True)
class Sources:
    """What the report takes from other services.

    Attributes:
        retention: What is due now.
        keys: The state of the master keys.
        unreplayed: Erasures of the ledger that this database has not done.
        left_behind: What copies restores, drills and an adoption left beside the database.
    """

    retention: Callable[[], RetentionPlan]
    keys: Callable[[], KeyState]
    unreplayed: Callable[[], Sized]
    left_behind: Callable[[], LeftBehind]


@dataclass(frozen=True, slots=True)
class Reporting:
    """Show how the database stands with regard to people's rights, in one actor's name."""

    db: Store
    actor: Actor
    periods: Periods
    sources: Sources

    @requires(Permission.PRIVACY)
    def generate(self) -> PrivacyReport:
        """Count, and say what needs action; changes nothing and opens no personal text."""
        plan, keys = self.sources.retention(), self.sources.keys()
        unreplayed, ledger_problem = self._unreplayed()
        left_behind = self.sources.left_behind()
        now = self.db.clock()
        with self.db.read() as view:
            requests = counted(privacy_requests.listing(view), now)
            finished, unfinished = queries.erasure_counts(view)
            clear = in_clear(view)
            untagged = queries.untagged()
            return PrivacyReport(
                generated_at=now,
                people=queries.people(view),
                requests=requests,
                erasures_finished=finished,
                erasures_unfinished=unfinished,
                retention_due={line.type: line.to_do for line in plan.types if line.to_do},
                retention_held={line.type: line.held for line in plan.types if line.held},
                in_clear=clear,
                keys=keys,
                audit=queries.audit(view),
                archives=queries.personal_archives(view),
                exports=queries.personal_exports(view),
                unreplayed=unreplayed,
                ledger_problem=ledger_problem,
                untagged=untagged,
                left_behind=left_behind,
                record_made_at=now,
                to_do=(
                    *actions(
                        requests, clear, unfinished, unreplayed or ledger_problem, keys, untagged
                    ),
                    *left_behind.to_do(queries.last_erasure(view)),
                ),
            )

    def _unreplayed(self) -> tuple[int | None, str | None]:
        """How many erasures are undone, or why nobody can tell: that is a finding, not the end."""
        try:
            return len(self.sources.unreplayed()), None
        except StoreError as error:
            return None, str(error)

    @requires(Permission.READ)
    def processing_record(
        self, controller: str | None = None, officer: str | None = None
    ) -> ProcessingRecord:
        """The record of processing activities (GDPR Art. 30), from the tags and the periods.

        Args:
            controller: Name and contact details of the controller.
            officer: Contact details of the data protection officer.
        """
        return processing_record(self.periods, controller, officer)
