"""What the vault and the trail need of an open transaction; the unit of work fulfils it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import sqlalchemy as sa

from mlmcsc.store.dialects.base import Dialect


class View(Protocol):
    """An open transaction, to read in."""

    @property
    def conn(self) -> sa.Connection:
        """For queries."""
        ...

    @property
    def dialect(self) -> Dialect:
        """What this database does differently."""
        ...


class Writing(View, Protocol):
    """An open transaction, to write in."""

    @property
    def now(self) -> datetime:
        """One instant for every row."""
        ...
