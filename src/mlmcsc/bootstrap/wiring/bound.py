"""What every service of an actor shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlmcsc.bootstrap.opening import Database
    from mlmcsc.domain.permissions import Actor


class Bound:
    """A database in one actor's name.

    Each service of the classes below this one is imported and made when it is first asked for:
    importing them all takes longer than most commands take. Two threads that ask at once may
    each make one; services keep no state of their own, so either serves.
    """

    def __init__(self, database: Database, actor: Actor) -> None:
        self._database = database
        self._actor = actor

    @property
    def actor(self) -> Actor:
        """In whose name everything is done."""
        return self._actor
