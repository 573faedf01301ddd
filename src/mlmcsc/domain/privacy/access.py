"""What a person is told with a copy of their data (GDPR Art. 15(1))."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mlmcsc.domain.privacy.limits import time_limit
from mlmcsc.domain.privacy.register import REGISTER
from mlmcsc.domain.retention import Periods
from mlmcsc.errors import ValidationError

RIGHTS: Mapping[str, str] = {
    "rectification": "You may have wrong data corrected and incomplete data completed (GDPR "
    "Art. 15(1)(e) and 16).",
    "erasure": "You may have your data erased, unless law or legal claims need it kept (GDPR "
    "Art. 15(1)(e) and 17).",
    "restriction": "You may have your data only stored and not used, for example while it is "
    "checked whether they are right (GDPR Art. 15(1)(e) and 18).",
    "objection": "You may object to processing that rests on a legitimate interest, on grounds of "
    "your own situation (GDPR Art. 15(1)(e) and 21).",
    "portability": "You may have the data that you gave, where a contract is the legal basis, in "
    "a machine-readable format: this file is one (GDPR Art. 20).",
    "complaint": "You may complain to a supervisory authority, in particular where you live, where "
    "you work, or where you think that the law was broken (GDPR Art. 15(1)(f) and 77).",
}
"""The rights of which a person must be told, by name."""

AUTOMATED_DECISIONS = (
    "The program takes no decision about people by itself and makes no profiles (GDPR "
    "Art. 15(1)(h) and 22)."
)


def explained(table: str, columns: Collection[str], periods: Periods) -> dict[str, dict[str, Any]]:
    """For each column of an exported table, what Art. 15(1)(a) to (d) and (g) ask for.

    Args:
        table: A table of the database.
        columns: Its columns that are in the export.
        periods: Days by data type, as `retention apply` uses them.

    Returns:
        By column: `category`, `purpose`, `legal_basis`, `recipients`, `retention` and `source`. Of
        a column that is not personal, and is there so that the others can be understood, the
        category only.

    Raises:
        ValidationError: There is no such table or column, or a period is missing.
    """
    tags = REGISTER.get(table, {})
    unknown = [name for name in columns if name not in tags]
    if unknown or not tags:
        raise ValidationError(
            f"{table!r} has no column {', '.join(map(repr, unknown))} in the privacy register: tag "
            "it in mlmcsc.domain.privacy.register."
        )
    return {name: _explained(table, name, periods) for name in columns}


def _explained(table: str, column: str, periods: Periods) -> dict[str, Any]:
    tag = REGISTER[table][column]
    if not tag.personal:
        return {"category": tag.category}
    return {
        "category": tag.category,
        "purpose": tag.purpose,
        "legal_basis": tag.basis,
        "recipients": list(tag.recipients),
        "retention": time_limit(tag, periods),
        "source": tag.source.value,
    }
