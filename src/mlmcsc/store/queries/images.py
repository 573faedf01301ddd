"""Images, specimens, and the files that are known already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from mlmcsc.domain.filters import ImageFilter
from mlmcsc.domain.records import ImageRecord, SpecimenRecord
from mlmcsc.domain.results import Page
from mlmcsc.store.models import (
    image_aliases,
    images,
    labels,
    specimens,
)
from mlmcsc.store.queries import rows
from mlmcsc.store.queries.rows import View, given
from mlmcsc.store.uow import Transaction

STATED = (
    "specimen_id",
    "magnification",
    "pixel_size_um",
    "detector",
    "accelerating_voltage_kv",
    "timestamp",
    "acquisition_settings",
    "quality_score",
    "is_valid",
)
"""Facts that a caller may state at ingest and add later."""


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A path that was ingested before, with the facts that its image holds."""

    image_id: int
    path: str
    stored_path: str
    file_size: int | None
    file_mtime_ns: int | None
    stated: Mapping[str, Any]


def conditions(view: View, wanted: ImageFilter) -> list[sa.ColumnElement[bool]]:
    """The filter as SQL."""
    c = images.c
    found = given(
        wanted,
        specimen_id=c.specimen_id.__eq__,
        is_valid=c.is_valid.__eq__,
        min_quality=c.quality_score.__ge__,
        max_quality=c.quality_score.__le__,
        format=c.format.__eq__,
        since=c.timestamp.__ge__,
        until=c.timestamp.__lt__,
        image_ids=lambda ids: view.dialect.ids_in(c.id, ids),
    )
    path, labelled = wanted.get("path"), wanted.get("labelled")
    if path is not None:
        alias = sa.select(image_aliases.c.image_id).where(image_aliases.c.path == path)
        found.append(sa.or_(c.path == path, c.id.in_(alias)))
    if labelled is not None:
        has_label = sa.exists().where(labels.c.image_id == c.id)
        found.append(has_label if labelled else ~has_label)
    return found


def page(view: View, wanted: ImageFilter, *, after_id: int, limit: int) -> Page[ImageRecord]:
    """Images by id."""
    return rows.page(
        view, images, ImageRecord, conditions(view, wanted), after_id=after_id, limit=limit
    )


def known_files(view: View, paths: Sequence[str]) -> dict[str, KnownFile]:
    """What is known of these paths, as stored path or as alias."""
    facts = [images.c[name] for name in STATED]
    at_home = sa.select(
        images.c.id,
        images.c.path,
        images.c.path,
        images.c.file_size,
        images.c.file_mtime_ns,
        *facts,
    ).where(view.dialect.ids_in(images.c.path, paths))
    a = image_aliases.c
    elsewhere = (
        sa.select(images.c.id, a.path, images.c.path, a.file_size, a.file_mtime_ns, *facts)
        .join(images, images.c.id == a.image_id)
        .where(view.dialect.ids_in(a.path, paths))
    )
    found: dict[str, KnownFile] = {}
    for query in (elsewhere, at_home):
        for image_id, path, stored, size, mtime, *stated in view.conn.execute(query):
            held = dict(zip(STATED, stated, strict=True))
            found[path] = KnownFile(image_id, path, stored, size, mtime, held)
    return found


def by_content(view: View, hashes: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Image id and stored path of each content hash that is known."""
    query = sa.select(images.c.content_hash, images.c.id, images.c.path).where(
        view.dialect.ids_in(images.c.content_hash, hashes)
    )
    return {row.content_hash: (row.id, row.path) for row in view.conn.execute(query)}


def add_aliases(tx: Transaction, aliases: Sequence[Mapping[str, Any]]) -> None:
    """Remember further paths of stored content; a path known already is brought up to date."""
    for alias in aliases:
        changed = tx.conn.execute(
            image_aliases.update().where(image_aliases.c.path == alias["path"]).values(**alias)
        )
        if changed.rowcount == 0:
            tx.conn.execute(image_aliases.insert(), alias)


def ensure_specimens(tx: Transaction, names: Sequence[str]) -> list[str]:
    """Register specimens that are not known yet, and return those."""
    wanted = list(dict.fromkeys(names))
    query = sa.select(specimens.c.specimen_id).where(
        tx.dialect.ids_in(specimens.c.specimen_id, wanted)
    )
    known = set(tx.conn.scalars(query))
    new = [name for name in wanted if name not in known]
    if new:
        tx.conn.execute(_ENSURE_SPECIMEN, [{"name": name} for name in new])
    return new


_ENSURE_SPECIMEN = sa.text(
    "INSERT INTO specimens (specimen_id) VALUES (:name) ON CONFLICT DO NOTHING"
)


def specimen_page(
    view: View, *, heat: str | None, material: str | None, after_id: int, limit: int
) -> Page[SpecimenRecord]:
    """Specimens by id."""
    found = [
        column == value
        for column, value in ((specimens.c.heat, heat), (specimens.c.material, material))
        if value is not None
    ]
    return rows.page(view, specimens, SpecimenRecord, found, after_id=after_id, limit=limit)
