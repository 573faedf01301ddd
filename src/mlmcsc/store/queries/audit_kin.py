"""Whose history an auditor asks for, and what belongs to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mlmcsc.domain.audit.telling import SINGULAR
from mlmcsc.domain.permissions import Actor
from mlmcsc.store import models
from mlmcsc.store.queries import audit, persons
from mlmcsc.store.queries.bearers import Opened
from mlmcsc.store.queries.rows import View
from mlmcsc.store.vault import ERASED, SEALED, WITHHELD

NAMES = {
    "images": "path",
    "specimens": "specimen_id",
    "technicians": "technician_id",
    "model_versions": "version",
    "data_versions": "version",
    "archives": "name",
    "subjects": "subject_id",
}
"""The column by which people name a row."""
ALIASES = {one.replace(" ", "_"): table for table, one in SINGULAR.items()} | {
    "models": "model_versions",
    "model_version": "model_versions",
    "datasets": "data_versions",
    "version": "data_versions",
    "data_version": "data_versions",
    "feature": "features",
    "technician": "technicians",
}
TELLING = {
    "images": ("path", "specimen_id"),
    "labels": ("label", "label_type", "is_verified"),
    "predictions": ("prediction", "confidence", "model_version_id"),
    "features": ("feature_type", "extractor_version"),
}
"""Columns that tell a row of a batch from another."""
OF_AN_IMAGE = (models.labels, models.predictions, models.features, models.image_aliases)
OF_A_PERSON = (models.subjects, models.privacy_requests, models.privacy_holds, models.erasures)


@dataclass(frozen=True, slots=True)
class Found:
    """A record that somebody asked for.

    Attributes:
        table: Its table.
        record_id: Its id; None when only events name it.
        name: Its name or path; None when it has none or is gone.
        exists: Whether it is there now.
    """

    table: str
    record_id: int | None
    name: str | None
    exists: bool


def table_named(word: str) -> str:
    """The table of a singular or plural; a word that fits none comes back as it is."""
    name = word.strip().lower().replace("-", "_").replace(" ", "_")
    return name if name in models.metadata.tables else ALIASES.get(name, name)


def find(view: View, table: str, word: str, opened: Opened = persons.unread) -> Found:
    """The row with this name or id; one that is gone is sought by the id alone.

    Raises:
        AmbiguousError: Several technicians bear the name.
    """
    source = models.metadata.tables.get(table)
    number = int(word) if word.isascii() and word.isdigit() and len(word) < 19 else None  # noqa: PLR2004  # digits that fit 64 bits
    if source is None or "id" not in source.c:
        return Found(table, number, None, exists=False)
    key = NAMES.get(table)
    name = source.c[key] if key is not None else sa.null()
    query = sa.select(source.c.id, name)
    if key is not None:
        row = view.conn.execute(query.where(source.c[key] == word)).first()
        if row is not None:
            return Found(table, row[0], row[1], exists=True)
    if number is None and table == "technicians":  # events name people by sealed texts
        person = persons.resolve(view, word, opened)
        number = None if person is None else person.technician_row
    if number is None:
        return Found(table, _formerly(view, table, word), word, exists=False)
    row = view.conn.execute(query.where(source.c.id == number)).first()
    return Found(table, number, None if row is None else row[1], exists=row is not None)


def _formerly(view: View, table: str, word: str) -> int | None:
    """The id of a row that is gone, by the name that its first event gives."""
    key = NAMES.get(table)
    return None if key is None else audit.named(view, table, key, word)


def kin(view: View, found: Found) -> list[tuple[str, list[int]]]:
    """The rows whose events belong to a record's history, by table; its own first."""
    if found.record_id is None:
        return []
    own = [(found.table, [found.record_id])]
    match found.table:
        case "images":
            return own + _of_image(view, found.record_id)
        case "specimens":
            if found.name is None:
                return own
            c, held = models.images.c, models.privacy_holds.c
            return [
                *own,
                ("images", _ids(view, c.id, c.specimen_id == found.name)),
                ("privacy_holds", _ids(view, held.id, held.specimen_id == found.name)),
            ]
        case "technicians":
            return own + _of_person(view, found.record_id)
    return own


def _of_image(view: View, image_id: int) -> list[tuple[str, list[int]]]:
    related = []
    for table in OF_AN_IMAGE:
        ids = set(_ids(view, table.c.id, table.c.image_id == image_id))
        if table is models.labels:
            anchors = models.split_anchors.c
            ids.update(_ids(view, anchors.first_label_id, anchors.image_id == image_id))
        if table in {models.labels, models.predictions}:
            ids.update(audit.created_for(view, table, image_id))
        related.append((table.name, sorted(ids)))
    return related


def _of_person(view: View, technician_id: int) -> list[tuple[str, list[int]]]:
    found = persons.every(view, technician_id, persons.unread)
    who = [each for person in found for each in person.subject_ids]
    return [
        (table.name, _ids(view, table.c.id, table.c.subject_id.in_(who))) for table in OF_A_PERSON
    ]


def specimens_named(view: View, names: Iterable[str]) -> list[int]:
    """Ids of the specimens with these numbers."""
    c = models.specimens.c
    return _ids(view, c.id, view.dialect.ids_in(c.specimen_id, sorted(names)))


def specimen_of(view: View, image_id: int) -> str | None:
    """The specimen that an image is of, now."""
    c = models.images.c
    found: Any = view.conn.scalar(sa.select(c.specimen_id).where(c.id == image_id))
    return None if found is None else str(found)


def as_they_stand(view: View, table: str, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """What some rows hold now, without personal values; rows that are gone are left out."""
    if table not in TELLING:
        return {}
    source = models.metadata.tables[table]
    query = sa.select(source.c.id, *(source.c[name] for name in TELLING[table])).where(
        view.dialect.ids_in(source.c.id, list(ids))
    )
    return {
        row.id: dict(zip(TELLING[table], row[1:], strict=True)) for row in view.conn.execute(query)
    }


def known_tables() -> Sequence[str]:
    """Every table's name."""
    return sorted(models.metadata.tables)


def _ids(view: View, column: sa.Column[Any], condition: sa.ColumnElement[bool]) -> list[int]:
    return [int(i) for i in view.conn.scalars(sa.select(column).where(condition).order_by(column))]


def seen_by(view: View, actor: Actor, *, all_or_none: bool = False) -> Opened:
    """Opens the names that the actor may see; without any master key none, or an error.

    Args:
        view: An open transaction.
        actor: Who asks.
        all_or_none: Whether `MissingKeyError` is raised, where a name left out would mislead.
    """
    look = view.vault.reveal if all_or_none else view.vault.show
    hidden = {ERASED, SEALED, WITHHELD}
    return lambda texts: [None if text in hidden else text for text in look(view, actor, texts)]
