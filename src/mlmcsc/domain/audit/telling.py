"""An event in few words: what was done, and each value before and after."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from mlmcsc.domain.audit.reach import spans
from mlmcsc.domain.audit.records import AuditRecord

ARROW = "→"
ERASED = "[erased]"
LONGEST = 60
"""Characters of one value; the whole is in `audit show N`."""
ISO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:")
BOOK_KEEPING = frozenset({"first_id", "last_id", "id_ranges", "columns", "ids"})
VERBS = {
    "CREATE": "stored",
    "INGEST": "ingested",
    "UPDATE": "changed",
    "DELETE": "deleted",
    "VERIFY": "verified",
    "ACTIVATE": "activated",
    "REPAIR": "repaired",
    "IMPORT": "imported",
    "EXPORT": "exported",
    "ERASE": "erased",
    "RESTRICT": "restricted",
    "HOLD": "held",
    "RELEASE": "released",
    "REDACT": "redacted",
    "ANONYMISE": "anonymised",
    "RETAIN": "deleted at the end of its retention period",
    "ARCHIVE": "archived",
    "RESTORE": "restored",
    "SEAL": "sealed",
}
SINGULAR = {
    "images": "image",
    "specimens": "specimen",
    "technicians": "technician",
    "model_versions": "model",
    "data_versions": "dataset",
    "predictions": "prediction",
    "labels": "label",
    "features": "feature vector",
    "image_aliases": "further path",
    "subjects": "person",
    "privacy_requests": "request",
    "privacy_holds": "hold",
    "erasures": "erasure",
    "audit_logs": "event",
    "audit_checkpoints": "checkpoint",
    "archives": "archive",
    "alerts": "alert",
}


def singular(table: str) -> str:
    """What one row of the table is called."""
    return SINGULAR.get(table, table.replace("_", " ").removesuffix("s"))


def ranges_text(values: Any) -> str | None:
    """Ids such as `1-12, 15`; None where the payload names none."""
    found = list(spans(values))
    shown = [str(low) if low == high else f"{low}-{high}" for low, high in found[:SHOWN]]
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(shown) + more if found else None


SHOWN = 5


def changes(event: AuditRecord, *, longest: int = LONGEST) -> list[str]:
    """Each value that the event tells, as `name: before → after`, `name: value`.

    Ids of batches are left to `headline`, and times that are the event's own.
    """
    if "payload" in event.redacted:
        return [ERASED]
    old, new = event.old_values, event.new_values
    if not isinstance(old, Mapping | None) or not isinstance(new, Mapping | None):
        return [f"{text(old, longest)} {ARROW} {text(new, longest)}"]
    before, after = dict(old or {}), dict(new or {})
    replaced = [f"replaced {each}" for each in _vectors(before.pop("replaced", None))]
    if event.record_id is None or "columns" in after or "columns" in before:
        after = {name: value for name, value in after.items() if name not in BOOK_KEEPING}
        before = {name: value for name, value in before.items() if name not in BOOK_KEEPING}
    own = {name for name, value in after.items() if _is_own_time(value, event)}
    names = (*before, *(name for name in after if name not in before))
    told = [
        _change(name, before, after, longest)
        for name in names
        if name not in own and (before.get(name) is not None or after.get(name) is not None)
    ]
    return replaced + told


def _change(name: str, before: dict[str, Any], after: dict[str, Any], longest: int) -> str:
    now = text(after.get(name), longest)
    if name not in before:
        return f"{name}: {now}"
    return f"{name}: {text(before[name], longest)} {ARROW} {now}"


def _vectors(replaced: Any) -> Iterator[str]:
    """What a batch of feature vectors replaced."""
    for each in replaced if isinstance(replaced, list) else ():
        if isinstance(each, Mapping):
            kind, version = each.get("feature_type"), each.get("extractor_version")
            yield f"{each.get('n_rows')} of {kind} {version}"


def _is_own_time(value: Any, event: AuditRecord) -> bool:
    return event.timestamp is not None and _moment(value) == event.timestamp


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str) or not ISO_TIME.match(value):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.utcoffset() is not None else None


def summary(event: AuditRecord, *, most: int = 3) -> str:
    """One line: the ids of a batch, or the first few values."""
    if "payload" in event.redacted:
        return ERASED
    told = changes(event, longest=24)
    if event.record_id is None and (ids := _ids(event)) is not None:
        told.insert(0, f"ids {ids}")
    more = f", {len(told) - most} more" if len(told) > most else ""
    return ", ".join(told[:most]) + more


def headline(event: AuditRecord, ids: Sequence[int] = ()) -> str:
    """What was done to what, such as `label 12 changed` or `image 7 ingested, one of 12`."""
    verb = _verb(event)
    noun = singular(event.table_name)
    if event.record_id is not None:
        return f"{noun} {event.record_id} {verb}"
    if ids:
        named = ", ".join(map(str, ids[:SHOWN])) + (" …" if len(ids) > SHOWN else "")
        plural = "s" if len(ids) > 1 else ""
        if event.n_rows == len(ids):
            return f"{noun}{plural} {named} {verb}"
        one = "one" if len(ids) == 1 else str(len(ids))
        among = f" (ids {numbers})" if (numbers := _ids(event)) else ""
        return f"{noun}{plural} {named} {verb}, {one} of {event.n_rows:,}{among}"
    rows = "" if event.n_rows == 1 else f" ({event.n_rows:,} rows)"
    return f"{event.table_name.replace('_', ' ')} {verb}{rows}"


def _ids(event: AuditRecord) -> str | None:
    return ranges_text(event.new_values) or ranges_text(event.old_values)


def _verb(event: AuditRecord) -> str:
    new = event.new_values if isinstance(event.new_values, Mapping) else {}
    if event.operation == "VERIFY" and new.get("is_verified") is False:
        return "no longer verified"
    if event.operation == "UPDATE" and event.table_name == "labels":
        return "corrected"
    return VERBS.get(event.operation, event.operation.lower().replace("_", " "))


def text(value: Any, longest: int = LONGEST) -> str:
    """A value as a person reads it, cut at `longest` characters."""
    match value:
        case None:
            found = "nothing"
        case bool():
            found = "yes" if value else "no"
        case float():
            found = f"{value:.6g}"
        case str():
            moment = _moment(value)
            found = value if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        case [str(), *_] if all(isinstance(each, str) for each in value):
            found = ", ".join(value)
        case _:
            found = orjson.dumps(value, default=str).decode()
    return found if len(found) <= longest else found[: longest - 1] + "…"
