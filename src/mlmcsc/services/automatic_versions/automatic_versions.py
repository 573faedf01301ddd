"""Making a dataset version when enough labels changed, or when its time has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, Unpack

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.fields import Field, Kind
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.records import DataVersionRecord, Record
from mlmcsc.domain.versions.automatic import Due, LastVersion, Rules, judge, nothing_decides
from mlmcsc.domain.versions.choice import ChoiceKeywords, repeated
from mlmcsc.domain.versions.manifest import read_manifest
from mlmcsc.domain.versions.reports import CreatedVersion
from mlmcsc.errors import ConflictError
from mlmcsc.store.models import labels
from mlmcsc.store.queries import automatic_versions as queries
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
    """Freezes the labelled images that are chosen; see `Versions.create`."""

    def __call__(
        self,
        version: str,
        *,
        description: str,
        dry_run: bool,
        **choice: Unpack[ChoiceKeywords],
    ) -> CreatedVersion:
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
        now = self.db.clock() if now is None else _TIME.check(now)
        with self.db.read() as view:
            return self._due(view, _newest(view), now)

    def _due(self, view: View, newest: DataVersionRecord | None, now: datetime) -> Due:
        last = None if newest is None else LastVersion(newest.version, newest.created_at)
        judged = 0 if newest is None else queries.judged(view, newest.id)
        changes, names = _label_changes(view, newest), queries.taken_names(view)
        return judge(self.rules, last, changes, names, now, judged=judged)

    @requires(Permission.TRAIN)
    def create_due(self, *, dry_run: bool = False) -> Made:
        """Make the version that is due, if one is.

        It repeats the choice of the newest version: label policy, splits, seed, filters and
        feature sets, with those that were first stored since. Where it would have the same rows as
        that one, none is made, and the changes that decided nothing do not count again.

        Two processes that do this at once make one version: both found the same state, so both
        would give it the same name.

        Args:
            dry_run: Only tell.

        Raises:
            ValidationError: The choice of the newest version would leave no image now.
            IntegrityError: The manifest of the newest version is damaged.
            UnsupportedError: The database has no folder for versions.
        """
        dry_run = _DRY_RUN.check(dry_run)
        with self.db.read() as view:
            newest = _newest(view)
            found = self._due(view, newest, self.db.clock())
            choice = _choice(view, newest) if found.due else {}
        if not found.due:
            return Made(found, None)
        text = f"Automatic: {found.reason}"
        try:
            if newest is not None:
                planned = self.create(found.version, description=text, dry_run=True, **choice)
                if _as(newest, planned):
                    return Made(self._remembered(newest, found, dry_run=dry_run), None)
            if dry_run:
                return Made(found, None)
            created = self.create(found.version, description=text, dry_run=False, **choice)
        except ConflictError:
            again = self.due()
            if again.version == found.version:  # nobody else made it: another conflict
                raise
            return Made(again, None)
        return Made(found, created.record) if created.created else Made(self.due(), None)

    def _remembered(self, newest: DataVersionRecord, found: Due, *, dry_run: bool) -> Due:
        if not dry_run:
            with self.db.write(self.actor) as tx:
                queries.set_judged(tx, newest.id, found.label_changes)
        return nothing_decides(self.rules, found)


_TIME = Field("now", Kind.TIMESTAMP, "the time to judge by", required=True)
_DRY_RUN = Field("dry_run", Kind.FLAG, "only tell", required=True)


def _newest(view: View) -> DataVersionRecord | None:
    frozen = [each for each in version_queries.every(view) if each.frozen]
    return frozen[-1] if frozen else None


def _choice(view: View, newest: DataVersionRecord | None) -> ChoiceKeywords:
    if newest is None:
        return {}
    manifest, _, _ = read_manifest(newest.manifest)
    return repeated(manifest, queries.sets_to_hold(view, newest))


def _as(newest: DataVersionRecord, planned: CreatedVersion) -> bool:
    """Whether it would have the rows of the newest version."""
    differs = planned.new or planned.changed or planned.gone
    return planned.parent == newest.version and not differs


def _label_changes(view: View, newest: DataVersionRecord | None) -> int:
    """Labels stored, corrected or verified since a version; all there are where there is none.

    By the audit trail: a label's own time may be years before it was stored. What was stored while
    the version was being made does not count; the next version has it all the same.
    """
    if newest is None:
        return rows.count(view, labels)
    told = version_checks.since(view, newest.id)
    return sum(told.get((labels.name, each.value), 0) for each in COUNTED)
