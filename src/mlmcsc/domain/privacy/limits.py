"""Time limits in words."""

from __future__ import annotations

from mlmcsc.domain.privacy.tags import WHILE_RECORD_LIVES, Tag
from mlmcsc.domain.retention import TYPES, Periods
from mlmcsc.errors import ValidationError


def time_limit(tag: Tag, periods: Periods) -> str:
    """How long a value is kept, from when it counts, and the setting that says so.

    Args:
        tag: The tag of its column.
        periods: Days by data type, as `retention apply` uses them.

    Raises:
        ValidationError: The period is missing.
    """
    if tag.retention == WHILE_RECORD_LIVES:
        return WHILE_RECORD_LIVES
    kinds = [kind for kind in TYPES.values() if kind.setting == tag.retention]
    missing = [kind.name for kind in kinds if kind.name not in periods]
    if missing or not kinds:
        raise ValidationError(
            f"No period is given for {tag.category!r}, which are kept as long as "
            f"retention.{tag.retention} says: give the periods of all data types."
        )
    days = periods[kinds[0].name]
    if days is None:
        return f"until somebody deletes it (retention.{tag.retention} is not in force)"
    since = " or ".join(kind.since for kind in kinds)
    return f"{days} days after {since} (retention.{tag.retention})"
