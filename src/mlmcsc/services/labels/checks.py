"""What is checked of labels before they are written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from mlmcsc.domain.columns import Checked
from mlmcsc.domain.enums import LabelType
from mlmcsc.domain.permissions import Actor, Permission
from mlmcsc.domain.records import LabelRecord, TechnicianRecord
from mlmcsc.errors import ConflictError, PermissionDeniedError, UnknownRecordError
from mlmcsc.store.models import labels, technicians
from mlmcsc.store.queries import holds, people, rows
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

BY_HAND: Final = {
    LabelType.CONSENSUS.value: (Permission.QUALITY,),
    LabelType.GOLD.value: (Permission.VERIFY, Permission.QUALITY),
}
"""Rights of which one is needed to store a label of these types, which others are held against."""


def refuse_by_hand(actor: Actor, types: Iterable[str | None]) -> None:
    """Refuse to make or change references to who may not.

    Raises:
        PermissionDeniedError: Naming the type and the right.
    """
    for each in sorted(set(types) & BY_HAND.keys(), key=str):
        needed = BY_HAND[str(each)]
        if not actor.permissions & {*needed}:
            raise PermissionDeniedError(
                f"{actor.subject!r} may not store or change labels of the type {each!r}: that "
                f"needs the permission {' or '.join(repr(p.value) for p in needed)}. Consensus "
                "labels are made by `mlmcsc labels consensus`."
            )


def refuse_agreed(tx: Transaction, label: LabelRecord) -> None:
    """Refuse to change what the program made of several people's labels.

    Raises:
        ConflictError: The label is such a consensus.
    """
    made = label.label_type == LabelType.CONSENSUS.value
    if made and label.technician_id == people.consensus_row(tx):
        raise ConflictError(
            f"label {label.id} is a consensus made of other labels, and is not corrected by hand: "
            "correct those, then run `mlmcsc labels consensus` again."
        )


def types_of(checked: Checked) -> set[Any]:
    """The types that rows ask for."""
    return {each for each in checked.columns.get("label_type", ()) if isinstance(each, str)}


def seal_columns(tx: Transaction, checked: Checked) -> None:
    """Seal the notes of many labels; rejected rows may have anything."""
    notes = checked.columns.get("notes")
    if notes is None or all(note is None for note in notes):
        return
    who = checked.columns["technician_id"]
    plain = who.tolist() if isinstance(who, np.ndarray) else list(who)
    checked.columns["notes"] = people.seal_notes(tx, plain, list(notes))


def at(tx: Transaction, label_id: int, expected: int | None, checker: str = "") -> LabelRecord:
    """The label, kept from other writers, as the caller has seen it."""
    label = stored(tx, label_id, for_update=True)
    holds.refuse_restricted(tx, label.technician_id, checker)
    if expected is not None and label.revision != expected:
        raise ConflictError(
            f"label {label_id} is at revision {label.revision}, not {expected}: it is now "
            f"{label.label:g} ({label.label_type}). Look at it again, then repeat with "
            f"expected_revision={label.revision}."
        )
    return label


def stored(view: View, label_id: int, *, for_update: bool = False) -> LabelRecord:
    """The label.

    Raises:
        UnknownRecordError: There is none.
    """
    record = rows.get(view, labels, LabelRecord, label_id, for_update=for_update)
    if record is None:
        raise UnknownRecordError(f"label {label_id} does not exist.")
    return record


def refuse_own(tx: Transaction, label: LabelRecord, verified_by: str) -> None:
    """Refuse that somebody verifies what they measured themselves.

    Raises:
        ConflictError: It is their label.
    """
    maker = rows.get(tx, technicians, TechnicianRecord, label.technician_id)
    if maker is not None and verified_by == maker.technician_id:
        raise ConflictError(
            f"label {label.id} was made by {maker.technician_id}, who cannot verify it: a second "
            "person checks. Name that person in verified_by."
        )


MEASURED = {"label", "label_type", "annotation_data"}
"""What a verification vouches for."""
DEFAULTS = {"label_type": "manual", "is_verified": False}


def without_empty_defaults(values: dict[str, Any]) -> dict[str, Any]:
    """None means "as usual" for columns that have a default."""
    return {k: v for k, v in values.items() if v is not None or k not in DEFAULTS}


def fill_defaults(checked: Checked) -> None:
    """The same of many labels, in place."""
    for name, default in DEFAULTS.items():
        if name in checked.columns:
            column = checked.columns[name]
            checked.columns[name] = [default if value is None else value for value in column]
