"""Keywords that narrow a listing of the audit trail; one left out means any."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.fields import Field, Kind
from mlmcsc.domain.filters import MAX_PAGE
from mlmcsc.errors import UnknownKeywordError, ValidationError


class AuditFilter(TypedDict, total=False):
    """Keywords of `audit.list`, `audit.search` and `audit.export`."""

    table: str
    record_id: int
    actor: str
    operations: Sequence[str]
    since: datetime
    until: datetime


FIELDS = {
    field.name: field
    for field in (
        Field("table", Kind.TEXT, "a table, such as images or image"),
        Field("record_id", Kind.INTEGER, "id of a row of the table", minimum=1),
        Field("actor", Kind.TEXT, "login, staff number or subject id"),
        Field("since", Kind.TIMESTAMP, "at or after"),
        Field("until", Kind.TIMESTAMP, "before"),
    )
}
CURSOR = Field("cursor", Kind.INTEGER, "id of an event", minimum=0)
LIMIT = Field("limit", Kind.INTEGER, "events per page", required=True, minimum=1, maximum=MAX_PAGE)


def check_filter(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The filters that narrow, as plain Python values; times in UTC.

    Raises:
        UnknownKeywordError: Naming the word, its nearest match and all allowed words.
        ValidationError: Naming the filter, the value and its limit.
    """
    allowed = list(AuditFilter.__annotations__)
    for name in wanted:
        if name not in allowed:
            near = difflib.get_close_matches(name, allowed, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise UnknownKeywordError(
                f"There is no filter {name!r}.{hint} Allowed: {', '.join(allowed)}."
            )
    found = {
        name: FIELDS[name].check(value)
        for name, value in wanted.items()
        if value is not None and name != "operations"
    }
    if operations := wanted.get("operations"):
        found["operations"] = _operations(operations)
    if "record_id" in found and "table" not in found:
        raise ValidationError(
            f"record_id={found['record_id']}: rows of every table have such ids. Name the table "
            "too."
        )
    return found


def _operations(wanted: Sequence[str]) -> list[str]:
    words = [wanted] if isinstance(wanted, str) else list(wanted)
    known = set(Operation)
    for word in words:
        if str(word).upper() not in known:
            raise ValidationError(
                f"operations={word!r}: must be of {', '.join(Operation)} (what was done)."
            )
    return [str(word).upper() for word in words]
