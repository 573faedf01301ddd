"""Technicians' labels: made, corrected, verified, and never silently overwritten."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Unpack

import numpy as np

from mlmcsc.domain.columns import Checked, read_input
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.fields import Field, Kind, RowSpec
from mlmcsc.domain.filters import LabelFilter, check_listing
from mlmcsc.domain.keywords import LabelChange, LabelDetails
from mlmcsc.domain.permissions import Actor, Permission, requires
from mlmcsc.domain.records import LabelRecord, LabelRevisionRecord
from mlmcsc.domain.results import BulkResult, Page
from mlmcsc.errors import (
    PermissionDeniedError,
    ValidationError,
)
from mlmcsc.services.labels import checks
from mlmcsc.store.models import images, labels, technicians
from mlmcsc.store.queries import batches, people, rows
from mlmcsc.store.queries import labels as label_queries
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store, Transaction


@dataclass(frozen=True, slots=True)
class Labels:
    """Store, correct, verify and read labels, in one actor's name."""

    db: Store
    actor: Actor
    spec: RowSpec

    @requires(Permission.LABEL)
    def add(
        self,
        image_id: int,
        technician_id: int,
        label: float,
        **details: Unpack[LabelDetails],
    ) -> int:
        """Store one label, durably, and return its id.

        Args:
            image_id: The image.
            technician_id: The technician's id, as `register_technician` returned it.
            label: Finite, inside the database's label range (0 to 1 by default).
            **details: See `mlmcsc.domain.tables.LABELS`.

        Raises:
            ValidationError: A value is wrong; nothing is written.
            UnknownRecordError: There is no such image or technician.
            ConflictError: The technician is not active, that is, may not label.
            HeldError: The processing of the technician's data is restricted.
            PermissionDeniedError: Of the type `consensus` without the right `quality`, or `gold`
                without `verify` or `quality`.
        """
        values = self.spec.check(
            {"image_id": image_id, "technician_id": technician_id, "label": label, **details}
        )
        checks.refuse_by_hand(self.actor, {values.get("label_type")})
        with self.db.write(self.actor) as tx:
            label_queries.require_parents(tx, values["image_id"], values["technician_id"])
            values["timestamp"] = values.get("timestamp") or tx.now
            if values.get("is_verified"):
                self._sign(tx, values)
            if values.get("notes") is not None:
                who, notes = values["technician_id"], values["notes"]
                (values["notes"],) = people.seal_notes(tx, [who], [notes])
            label_id = rows.insert(tx, labels, checks.without_empty_defaults(values))
            label_queries.count_labels(tx, {values["technician_id"]: 1})
            tx.record(AuditEvent(Operation.CREATE, "labels", label_id, new_values=values))
        return label_id

    @requires(Permission.LABEL)
    def add_many(
        self, data: Any = None, /, *, on_error: batches.OnError = "raise", **common: Any
    ) -> BulkResult:
        """Store many labels in one transaction with one audit event.

        Args:
            data: Rows, a mapping of columns, a DataFrame, an Arrow table or a structured array
                with the fields of `mlmcsc.domain.tables.LABELS`.
            on_error: `raise` stores all rows or none; `collect` stores the good ones and returns
                the others with their reasons.
            **common: Arrays with a value per row, or one value for every row,
                e.g. `technician_id=3`.

        Raises:
            RejectedRowsError: With `on_error="raise"`, when any row is wrong, or of a
                technician who is not active, or the processing of whose data is restricted.
            PermissionDeniedError: As in `add`.
        """
        checked = read_input(self.spec, data, common)
        checks.fill_defaults(checked)
        checks.refuse_by_hand(self.actor, checks.types_of(checked))
        parents = {"image_id": images, "technician_id": technicians}
        with self.db.write(self.actor) as tx:
            self._sign_columns(tx, checked)
            label_queries.reject_barred(tx, checked)
            checks.seal_columns(tx, checked)
            result = batches.add_checked(tx, labels, checked, parents, on_error=on_error)
            good, _ = checked.good()
            who, made = np.unique(np.asarray(good["technician_id"]), return_counts=True)
            if len(who):
                label_queries.count_labels(tx, dict(zip(who.tolist(), made.tolist(), strict=True)))
        return result

    def _sign(self, tx: Transaction, values: dict[str, Any]) -> None:
        """A label stored as verified says by whom and when: by default, by who stores it, now."""
        if Permission.VERIFY not in self.actor.permissions:
            raise PermissionDeniedError(
                f"{self.actor.subject!r} may not store a label as verified: it needs the "
                f"permission {Permission.VERIFY.value!r}. Leave is_verified out."
            )
        limit = self.spec.by_name["verified_by"].max_length
        values["verified_by"] = values.get("verified_by") or self.actor.subject[:limit]
        values["verification_timestamp"] = values.get("verification_timestamp") or tx.now

    def _sign_columns(self, tx: Transaction, checked: Checked) -> None:
        columns = checked.columns
        verified = np.flatnonzero(np.asarray(columns.get("is_verified", []), dtype=bool))
        if not len(verified):
            return
        signed = {
            name: list(columns.get(name, [None] * checked.size))
            for name in ("verified_by", "verification_timestamp")
        }
        for row in verified.tolist():
            values = {name: column[row] for name, column in signed.items()}
            self._sign(tx, values)
            for name, column in signed.items():
                column[row] = values[name]
        columns.update(signed)

    @requires(Permission.LABEL)
    def correct(
        self,
        label_id: int,
        *,
        reason: str,
        expected_revision: int | None = None,
        **change: Unpack[LabelChange],
    ) -> LabelRecord:
        """Correct a label; its earlier state is kept as a revision.

        A changed measurement (`label`, `label_type`, `annotation_data`) is no longer verified:
        somebody verified the old one. Changed notes and difficulty leave it verified.

        Args:
            label_id: The label.
            reason: Why it is corrected; kept with the revision and in the audit trail.
            expected_revision: The revision that the correction was decided on; left out, the
                last correction wins.
            **change: `label`, `label_type`, `difficulty_rating`, `notes`, `annotation_data`.

        Returns:
            The label as it is now; unchanged if nothing differs.

        Raises:
            ValidationError: No reason, no change given, or a wrong value; nothing is written.
            UnknownRecordError: There is no such label.
            ConflictError: The label is no longer at the expected revision, or is a consensus that
                the program made.
            HeldError: Its technician is restricted.
            PermissionDeniedError: As in `add`, of the type that it has or is to have.
        """
        REASON.check(reason)
        expected = EXPECTED.check(expected_revision)
        changeable = LabelChange.__annotations__
        unknown = change.keys() - changeable.keys()
        if unknown or not change:
            raise ValidationError(
                f"A correction changes one or more of {', '.join(changeable)}; "
                f"got {', '.join(sorted(unknown)) or 'nothing'}."
            )
        for name in ("label", "label_type"):
            if name in change and change[name] is None:
                raise ValidationError(f"{name} cannot be removed from a label.")
        values = {name: self.spec.by_name[name].check(value) for name, value in change.items()}
        with self.db.write(self.actor) as tx:
            return self._correct(tx, checks.at(tx, label_id, expected), values, reason)

    def _correct(
        self, tx: Transaction, before: LabelRecord, values: dict[str, Any], reason: str
    ) -> LabelRecord:
        label_id = before.id
        (notes,) = tx.vault.unseal(tx, [before.notes])
        known = replace(before, notes=notes)
        changed = {k: v for k, v in values.items() if getattr(known, k) != v}
        if not changed:
            return self._shown(tx, before)
        if changed.keys() & checks.MEASURED:
            checks.refuse_by_hand(self.actor, {before.label_type, changed.get("label_type")})
            checks.refuse_agreed(tx, before)
        if changed.get("notes") is not None:
            (changed["notes"],) = people.seal_notes(tx, [before.technician_id], [changed["notes"]])
        label_queries.keep_revision(tx, before, reason)
        if before.is_verified and changed.keys() & checks.MEASURED:
            changed |= {"is_verified": False, "verified_by": None, "verification_timestamp": None}
        rows.update(tx, labels, label_id, changed | {"revision": before.revision + 1})
        tx.record(
            AuditEvent(
                Operation.UPDATE,
                "labels",
                label_id,
                old_values={name: getattr(before, name) for name in changed},
                new_values=changed,
                reason=reason,
            )
        )
        return self._shown(tx, checks.stored(tx, label_id))

    @requires(Permission.VERIFY)
    def verify(
        self,
        label_id: int,
        verified_by: str,
        *,
        is_verified: bool = True,
        expected_revision: int | None = None,
    ) -> LabelRecord:
        """Record that somebody checked a label (or, with `is_verified=False`, take it back).

        Args:
            label_id: The label.
            verified_by: Who checked it, at most 50 characters.
            is_verified: The verdict.
            expected_revision: The revision that was checked; left out, whatever is there now.

        Raises:
            ValidationError: A value is wrong.
            UnknownRecordError: There is no such label.
            ConflictError: It is the checker's own label, or no longer at the expected revision.
            HeldError: Its technician, or the checker, is restricted.
        """
        expected = EXPECTED.check(expected_revision)
        verified_by = replace(self.spec.by_name["verified_by"], required=True).check(verified_by)
        is_verified = replace(self.spec.by_name["is_verified"], required=True).check(is_verified)
        with self.db.write(self.actor) as tx:
            before = checks.at(tx, label_id, expected, verified_by)
            if is_verified:
                checks.refuse_own(tx, before, verified_by)
            values = {
                "is_verified": is_verified,
                "verified_by": verified_by if is_verified else None,
                "verification_timestamp": tx.now if is_verified else None,
            }
            rows.update(tx, labels, label_id, values)
            old = {name: getattr(before, name) for name in values}
            new = values | ({} if is_verified else {"withdrawn_by": verified_by})
            tx.record(AuditEvent(Operation.VERIFY, "labels", label_id, old, new))
            return self._shown(tx, checks.stored(tx, label_id))

    @requires(Permission.READ)
    def get(self, label_id: int) -> LabelRecord:
        """One label.

        Raises:
            UnknownRecordError: If there is none with this id.
        """
        with self.db.read() as view:
            found = checks.stored(view, label_id)
            return self._shown(view, found)

    @requires(Permission.READ)
    def revisions(self, label_id: int) -> list[LabelRevisionRecord]:
        """The earlier states of a label, oldest first; empty if it was never corrected.

        Raises:
            UnknownRecordError: If there is no such label.
        """
        with self.db.read() as view:
            checks.stored(view, label_id)
            found = label_queries.revisions(view, label_id)
            return people.reveal(view, self.actor, found, NOTES)

    @requires(Permission.READ)
    def list(
        self,
        image_id: int | None = None,
        *,
        after_id: int = 0,
        limit: int = 100,
        **wanted: Unpack[LabelFilter],
    ) -> Page[LabelRecord]:
        """Labels by id, a page at a time, in their current state."""
        found = check_listing(LabelFilter, wanted, after_id, limit, image_id=image_id)
        with self.db.read() as view:
            page = label_queries.page(view, found, after_id=after_id, limit=limit)
            items = people.reveal(view, self.actor, page.items, NOTES)
            return Page(tuple(items), page.next_after_id)

    def _shown(self, view: View, label: LabelRecord) -> LabelRecord:
        """The label with its notes in clear for those who may see them."""
        return people.reveal(view, self.actor, [label], NOTES)[0]


REASON = Field("reason", Kind.TEXT, "why the label is corrected", required=True)
EXPECTED = Field("expected_revision", Kind.INTEGER, "the label's revision that you saw", minimum=1)
NOTES = ("notes",)
