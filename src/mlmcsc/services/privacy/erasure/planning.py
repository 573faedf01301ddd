"""What an erasure would do, counted; nothing is changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.privacy.erased import NOT_REACHED, ErasureReport, counted_fields
from mlmcsc.domain.privacy.erasure import LabelChoice, erasure_plan
from mlmcsc.domain.privacy.persons import Person
from mlmcsc.services.privacy.erasure import in_database
from mlmcsc.services.privacy.erasure.carried import Carried, carried_by
from mlmcsc.services.privacy.erasure.outside import Outside
from mlmcsc.services.privacy.erasure.starting import Wanted
from mlmcsc.store.queries import spellings
from mlmcsc.store.queries.erasure import exports, known
from mlmcsc.store.queries.erasure.saga import Saga
from mlmcsc.store.uow import Snapshot

Known = tuple[Wanted, Saga | None, Person | None]
"""Who is wanted; their erasure, if it was begun, or else the person."""


def planned(
    view: Snapshot, actor: Actor, outside: Outside, every: Sequence[Known]
) -> tuple[ErasureReport, ...]:
    """What would be done to each; the tables and the trail are read once for all."""
    people = [
        None if each is None else spellings.whole(view, each)
        for each in (
            found if begun is None else known.keyless(view, begun.subject_id)
            for _, begun, found in every
        )
    ]
    choices = [begun.labels if begun else wanted.labels for wanted, begun, _ in every]
    labels: LabelChoice = choices[0] if choices else "keep"
    counted = iter(in_database.count(view, [each for each in people if each], labels))
    reports = []
    for (wanted, begun, _), found in zip(every, people, strict=True):
        subject = begun or found
        who = (subject.technician_row, subject.subject_id) if subject else (None, None)
        choice = begun.labels if begun else wanted.labels
        elsewhere = outside.planned(actor, *who, _carried(view, begun, found), choice)
        counts = Counter(next(counted) if found else {}) + Counter(elsewhere["archived"])
        frozen = elsewhere["versions"]
        counts["data_versions.layers"] += frozen.n_of_person
        reports.append(
            ErasureReport(
                subject_id=who[1],
                technician_row=who[0],
                labels=choice,
                ground=wanted.ground,
                request_id=wanted.request_id,
                dry_run=True,
                fields=counted_fields(erasure_plan(choice), counts),
                steps=tuple(begun.steps) if begun else (),
                files=elsewhere["files"],
                archives=elsewhere["archives"],
                versions=frozen.redacted,
                recipients=tuple(each.to_dict() for each in frozen.recipients),
                caches=elsewhere["caches"],
                not_reached=(
                    *NOT_REACHED,
                    *(in_database.left_alone(view, found) if found else ()),
                    *elsewhere["unread"],
                    *(each.told() for each in frozen.recipients),
                ),
                exports_left=elsewhere["exports_left"],
            )
        )
    return tuple(reports)


def _carried(view: Snapshot, begun: Saga | None, found: Person | None) -> Carried:
    kept = None if begun is None else carried_by(view, begun)
    if kept is not None:
        return kept
    if found is None:
        return Carried((), (), ())
    return Carried(found.identifiers, tuple(exports.of(view, found)), found.subject_ids)
