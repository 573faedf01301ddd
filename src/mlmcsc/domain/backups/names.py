"""Names of backups: a name is a name, never a path."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from mlmcsc.errors import ValidationError

LONGEST: Final = 100
RESERVED: Final = frozenset({"objects", "leases", "wal"})
"""What lies beside the sets in a place of backups."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)


def checked_name(name: object) -> str:
    """The name, if a backup may bear it.

    Raises:
        ValidationError: It is no plain name: it could lead elsewhere, or mean something else.
    """
    if (
        not isinstance(name, str)
        or not _NAME.fullmatch(name)
        or len(name) > LONGEST
        or name.endswith(".")
        or name.lower() in RESERVED
    ):
        shown = repr(name)[:120]
        raise ValidationError(
            f"name={shown}: a backup's name is 1 to {LONGEST} letters, digits, '.', '_' or '-', "
            f"beginning with a letter or digit, and not one of {', '.join(sorted(RESERVED))}; a "
            "path is none. Where backups go is said by --to or the setting backup.directory."
        )
    return name


def scheduled_name(now: datetime) -> str:
    """What a backup is called that nobody named: `backup_20261123T213000Z`."""
    return f"backup_{now:%Y%m%dT%H%M%SZ}"


def safety_name(now: datetime) -> str:
    """What the backup is called that is taken before a restore."""
    return f"before_restore_{now:%Y%m%dT%H%M%SZ}"
