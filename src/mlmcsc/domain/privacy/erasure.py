"""What an erasure (GDPR Art. 17) does to each personal column, and by which law."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

from mlmcsc.domain.privacy.activities import RIGHT_TO_ERASURE
from mlmcsc.domain.privacy.places import tagged_places
from mlmcsc.domain.privacy.tags import EraseAction, SubjectKind, Tag
from mlmcsc.domain.records import Record
from mlmcsc.errors import ValidationError

LabelChoice = Literal["keep", "delete"]
"""Whether measurements stay, as anonymous ones."""

LABEL_TABLES = frozenset({"labels", "label_revisions"})
FROZEN_ROWS = ("data_versions", "layers")
"""What names the files in which data versions keep measurements."""
OTHERS_IN_LABELS = frozenset({SubjectKind.VERIFIER, SubjectKind.ACTOR})
"""Whom a label names besides the person who measured."""


@dataclass(frozen=True, slots=True)
class PlannedField(Record):
    """One line of the plan, and later of the certificate.

    Attributes:
        table: Table.
        column: Column.
        action: What happens to it.
        ground: The law by which it does.
        done: The same, told to a person.
    """

    table: str
    column: str
    action: EraseAction
    ground: str
    done: str


def erasure_plan(labels: LabelChoice) -> tuple[PlannedField, ...]:
    """What erasure does to each personal column, in the order of the register.

    Args:
        labels: `keep`: measurements stay as anonymous ones; `delete`: the person's go.

    Raises:
        ValidationError: `labels` is neither.
    """
    if labels not in get_args(LabelChoice):
        raise ValidationError(f"labels={labels!r}: choose 'keep' or 'delete'.")
    return tuple(
        _planned(table, column, _without_labels(table, column, tag) if labels == "delete" else tag)
        for table, column, tag in tagged_places()
        if tag.personal
    )


def _planned(table: str, column: str, tag: Tag) -> PlannedField:
    return PlannedField(table, column, tag.action, tag.ground, tag.how)


def _without_labels(table: str, column: str, tag: Tag) -> Tag:
    """The tag as it holds when the person's labels are deleted."""
    if (table, column) == ("technicians", "total_labels"):
        return _erased(tag, "set to 0: the labels are removed")
    if (table, column) == FROZEN_ROWS:
        return _erased(tag, "rows that rest on the person's labels are redacted; the roots stay")
    if table not in LABEL_TABLES:
        return tag
    if tag.subject in OTHERS_IN_LABELS:  # colleagues' labels stay, and may name the person
        return replace(
            tag, how=f"removed with the person's own labels; in colleagues' labels {tag.how}"
        )
    if tag.action is EraseAction.ERASE:
        return replace(tag, how=f"removed with its row; in colleagues' labels {tag.how}")
    return _erased(tag, "removed with its row")


def _erased(tag: Tag, how: str) -> Tag:
    return replace(tag, action=EraseAction.ERASE, ground=RIGHT_TO_ERASURE, how=how)
