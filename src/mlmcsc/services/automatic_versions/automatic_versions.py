"""Making a dataset version when enough labels changed, or when its time has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.records import DataVersionRecord, Record
from mlmcsc.domain.versions.automatic import Due, LastVersion, Rules, judge
from mlmcsc.domain.versions.reports import CreatedVersion
from mlmcsc.errors import ConflictError
from mlmcsc.store.models import labels
from mlmcsc.store.queries import rows, version_checks
from mlmcsc.store.queries import versions as version_queries
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store

COUNTED = (
    Operation.CREATE,
    Operation.INGEST,
    Operation.RESTORE,
    Operation.UPDATE,
    Operation.VERIFY,
)
"""What adds to labels or changes them; that some went makes no new version."""


class Create(Protocol):
    """Freezes all labelled images under the default policy and splits."""

    def __call__(self, version: str, *, description: str) -> CreatedVersion:
        """Make the version of that name, or find it, or a ConflictError where it is another."""


@dataclass(frozen=True, slots=True)
class Made(Record):
    """What a look at the rules led to.

    Attributes:
        due: What the rules said.
        made: The version that was made, if any.
    """

    due: Due
    made: DataVersionRecord | None


@dataclass(frozen=True, slots=True)
class AutomaticVersions:
    """Make versions by rule, in one actor's name."""

    db: Store
    actor: Actor
    rules: Rules
    create: Create

    @requires(Permission.READ)
    def due(self, now: datetime | None = None) -> Due:
        """Whether a version is due, and why; or what is missing.

        Args:
            now: The time to judge by, aware; left out, the clock's.
        """
        now = self.db.clock() if now is None else now
        with self.db.read() as view:
            versions = version_queries.every(view)
            frozen = [each for each in versions if each.frozen]
            newest = frozen[-1] if frozen else None
            changes = _label_changes(view, newest)
        last = None if newest is None else LastVersion(newest.version, newest.created_at)
        return judge(self.rules, last, changes, [each.version for each in versions], now)

    @requires(Permission.TRAIN)
    def create_due(self, *, dry_run: bool = False) -> Made:
        """Make the version that is due, if one is.

        Two processes that do this at once make one version: both found the same state, so both
        would give it the same name.

        Args:
            dry_run: Only tell.

        Raises:
            UnsupportedError: The database has no folder for versions.
        """
        found = self.due()
        if dry_run or not found.due:
            return Made(found, None)
        try:
            created = self.create(found.version, description=f"Automatic: {found.reason}")
        except ConflictError:
            again = self.due()
            if again.version == found.version:  # nobody else made it: another conflict
                raise
            return Made(again, None)
        return Made(found, created.record) if created.created else Made(self.due(), None)


def _label_changes(view: View, newest: DataVersionRecord | None) -> int:
    """Labels stored, corrected or verified since a version; all there are where there is none.

    By the audit trail: a label's own time may be years before it was stored. What was stored while
    the version was being made does not count; the next version has it all the same.
    """
    if newest is None:
        return rows.count(view, labels)
    told = version_checks.since(view, newest.id)
    return sum(told.get((labels.name, each.value), 0) for each in COUNTED)
