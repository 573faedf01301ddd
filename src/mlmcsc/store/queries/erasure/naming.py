"""Several people's names at once: every text is read and opened once, however many are erased."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlmcsc.domain.privacy.mentions import Mentions
from mlmcsc.errors import MissingKeyError
from mlmcsc.store.queries.rows import View
from mlmcsc.store.vault import people_in, subject_of


class Names:
    """The names of the people who are erased together.

    Attributes:
        each: The names of each person, by subject id.

    Args:
        identifiers: Subject id to staff number, logins, e-mail address and full name.
        without_keys: Pass over sealed texts whose master key is not here; else they stop the
            search.
    """

    def __init__(
        self, identifiers: Mapping[str, Iterable[str]], *, without_keys: bool = False
    ) -> None:
        self.each = {who: Mentions(names) for who, names in identifiers.items()}
        self._anybody = Mentions(name for names in identifiers.values() for name in names)
        self._without_keys = without_keys

    def named(self, text: object) -> list[str]:
        """Subject ids of those whom a text names."""
        if text not in self._anybody:
            return []
        return [who for who, words in self.each.items() if text in words]

    def in_values(self, payload: Any) -> list[str]:
        """Subject ids of those whom a text in an audit payload names; see `Mentions.in_values`."""
        if not self._anybody.in_values(payload):
            return []
        return [who for who, words in self.each.items() if words.in_values(payload)]

    def removed(self, value: Any) -> tuple[Any, list[str]]:
        """A text or document without any of the names, and whose were in it."""
        cleared = self._anybody.removed(value)
        if cleared == value:
            return value, []
        return cleared, [who for who, words in self.each.items() if words.removed(value) != value]

    def opened(self, view: View, values: Sequence[Any]) -> list[Any]:
        """The values unsealed.

        Raises:
            MissingKeyError: A text cannot be opened, and that is not allowed for.
        """
        if not self._without_keys:
            return view.vault.unseal(view, values)
        return readable(view, values)


def readable(view: View, values: Sequence[Any]) -> list[Any]:
    """The values unsealed; None for those whose master key, or own key, is not here."""
    closed = {who for who in people_in(values) if _is_closed(view, who)}
    open_ = [None if subject_of(value) in closed else value for value in values]
    return view.vault.names(view, open_)


def _is_closed(view: View, subject_id: str) -> bool:
    try:
        view.vault.sealer(view, [subject_id])
    except MissingKeyError:
        return True
    return False
