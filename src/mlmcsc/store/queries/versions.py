"""Finding data versions by name or tag."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import fields
from typing import Any

import orjson
import sqlalchemy as sa

from mlmcsc.domain.records import DataVersionRecord, VersionFeatureRecord
from mlmcsc.domain.results import Page
from mlmcsc.domain.versions.choice import check_sought
from mlmcsc.errors import UnknownRecordError, UnsupportedError
from mlmcsc.store.models import data_versions, version_features, version_tags
from mlmcsc.store.queries import rows
from mlmcsc.store.queries.rows import View

SHOWN = 20


class _Mistrusted(sa.types.TypeDecorator[Any]):
    """JSON that anybody may have changed: one row's nonsense must not hide all other rows.

    PostgreSQL's driver hands in parsed values; SQLite's text that is no JSON stays the text that it
    is, which whoever reads on refuses.
    """

    impl = sa.Text
    cache_ok = True

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> Any:
        """Parsed, where it can be."""
        del dialect
        try:
            return orjson.loads(value) if isinstance(value, str | bytes) else value
        except orjson.JSONDecodeError:
            return str(value)


_SELECT = sa.select(
    *(
        sa.type_coerce(column, _Mistrusted).label(column.name)
        if isinstance(column.type, sa.JSON)
        else column
        for column in (data_versions.c[field.name] for field in fields(DataVersionRecord))
    )
)


def find(view: View, version: str) -> DataVersionRecord:
    """The version of that name, else the one that the tag of that name points to.

    Raises:
        ValidationError: It is no text.
        UnknownRecordError: There is neither; the message lists what there is.
    """
    version = check_sought(version)
    found = _first(view, data_versions.c.version == version)
    if found is None:
        tagged = sa.select(version_tags.c.version_id).where(version_tags.c.tag == version)
        version_id = view.conn.scalar(tagged)
        if version_id is not None:
            found = _first(view, data_versions.c.id == version_id)
    if found is None:
        raise UnknownRecordError(
            f"data version {version!r} does not exist. Known: {_known(view) or 'none'}. "
            "Make one with `version create`."
        )
    return found


def frozen(view: View, version: str) -> DataVersionRecord:
    """As `find`, a version whose rows were kept.

    Raises:
        UnknownRecordError: There is none of that name.
        UnsupportedError: It was recorded without its images.
    """
    found = find(view, version)
    if not found.frozen:
        raise UnsupportedError(
            f"data version {version!r} was recorded without the list of its images, so what was "
            "in it cannot be given back. Freeze a new one with `version create`."
        )
    return found


def every(view: View) -> list[DataVersionRecord]:
    """All versions, oldest first."""
    query = _SELECT.order_by(data_versions.c.id)
    return [DataVersionRecord(*row) for row in view.conn.execute(query)]


def page(view: View, *, after_id: int, limit: int) -> Page[DataVersionRecord]:
    """Versions by id."""
    return rows.page(
        view, data_versions, DataVersionRecord, (), after_id=after_id, limit=limit, select=_SELECT
    )


def tags_of(view: View) -> dict[int, list[str]]:
    """Tags by version id."""
    c = version_tags.c
    found: defaultdict[int, list[str]] = defaultdict(list)
    for row in view.conn.execute(sa.select(c.version_id, c.tag).order_by(c.tag)):
        found[row.version_id].append(row.tag)
    return dict(found)


def features_of(view: View, version_id: int) -> list[VersionFeatureRecord]:
    """The feature sets that a version holds, by type and extractor."""
    c = version_features.c
    query = (
        rows.select_record(version_features, VersionFeatureRecord)
        .where(c.version_id == version_id)
        .order_by(c.feature_type, c.extractor_version)
    )
    return [VersionFeatureRecord(*row) for row in view.conn.execute(query)]


def _first(view: View, condition: sa.ColumnElement[bool]) -> DataVersionRecord | None:
    row = view.conn.execute(_SELECT.where(condition)).first()
    return None if row is None else DataVersionRecord(*row)


def _known(view: View) -> str:
    names = list(
        view.conn.scalars(
            sa.select(data_versions.c.version).order_by(data_versions.c.id.desc()).limit(SHOWN + 1)
        )
    )
    more = ", …" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
