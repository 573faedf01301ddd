"""What an erasure tells whoever asked for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlmcsc.domain.privacy.erased import ErasureReport, counted_fields
from mlmcsc.domain.privacy.erasure import erasure_plan
from mlmcsc.services.privacy.erasure.certifying import counts_of, not_reached
from mlmcsc.services.privacy.erasure.starting import Wanted
from mlmcsc.store.queries import persons
from mlmcsc.store.queries.erasure.saga import Saga
from mlmcsc.store.queries.rows import View


def skipped(view: View, wanted: Wanted, why: str, *, dry_run: bool) -> ErasureReport:
    """Nothing was done to somebody among many, and why."""
    person = persons.living(view, wanted.person)
    return ErasureReport(
        subject_id=None if person is None else person.subject_id,
        technician_row=None if person is None else person.technician_row,
        labels=wanted.labels,
        ground=wanted.ground,
        request_id=wanted.request_id,
        dry_run=dry_run,
        fields=(),
        refused=why,
    )


def report(
    done: Saga, exports_deleted: Sequence[str], exports_left: Mapping[str, str]
) -> ErasureReport:
    """What was done."""
    shredded = (done.step("data_keys") or {}).get("left_behind", {}).get("dead", ())
    return ErasureReport(
        subject_id=done.subject_id,
        technician_row=done.technician_row,
        labels=done.labels,
        ground=done.ground,
        request_id=done.request_id,
        dry_run=False,
        fields=counted_fields(erasure_plan(done.labels), counts_of(done)),
        steps=tuple(done.steps),
        started_at=done.started_at,
        finished_at=done.finished_at,
        files=(*(exports_deleted or (done.step("exports") or {}).get("deleted", ())), *shredded),
        archives=tuple((done.step("archives") or {}).get("rewritten", ())),
        versions=(done.step("versions") or {}).get("redacted", {}),
        recipients=tuple((done.step("versions") or {}).get("recipients", ())),
        caches=tuple((done.step("caches") or {}).get("folders", ())),
        exports_left=exports_left or (done.step("exports") or {}).get("left", {}),
        not_reached=tuple(not_reached(done)),
        certificate=done.certificate,
    )
