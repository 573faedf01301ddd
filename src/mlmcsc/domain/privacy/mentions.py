"""Finding a person's names in others' words, and taking them out."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable
from typing import Any, Final

from mlmcsc.domain.privacy.matching import Matcher, replaced, throughout, words
from mlmcsc.domain.privacy.vocabulary import is_own_word

ERASED: Final = "[erased]"
"""What stands in the place of a name."""
IF_NAMED: Final = "if it names the person"
"""Which exported files go that need not hold anything of the person."""
SHORTEST: Final = 2
SHORTEST_NUMBER: Final = 5
"""A staff number of fewer digits cannot be told from a measurement."""


class Mentions:
    """A person's names as whole words, however they are written; see `matching`.

    Attributes:
        ambiguous: Names that are not searched for, because they could mean anything: short ones,
            and words that the program itself writes, such as `label`.

    Args:
        names: Staff number, logins, e-mail address and full name.
    """

    def __init__(self, names: Iterable[str]) -> None:
        every = {name.strip() for name in names} - {""}
        self.ambiguous = tuple(sorted(name for name in every if not _is_telling(name)))
        self._ambiguous = {tuple(words(name)) for name in self.ambiguous} - {()}
        telling = every - set(self.ambiguous)
        self._matcher = Matcher({form for name in telling for form in (name, *_escaped(name))})

    def __contains__(self, text: object) -> bool:
        return isinstance(text, str) and self._matcher.found(text)

    def removed(self, value: Any) -> Any:
        """A text or JSON document with `[erased]` for each name; others come back as they are.

        Keys of a document, which may be names too, are numbered where they would become the same.
        """
        return throughout(value, self._removed)

    def is_one(self, text: str) -> bool:
        """Whether a text is one of the names and nothing besides; ambiguous ones, too."""
        return self._matcher.is_one(text) or tuple(words(text)) in self._ambiguous

    def in_values(self, payload: Any) -> bool:
        """Whether a text in an audit payload names the person.

        Its own keys are columns. Those further down, as of annotation data, may be names.
        """
        if isinstance(payload, dict):
            return any(self.removed(each) != each for each in payload.values())
        return bool(self.removed(payload) != payload)

    def _removed(self, text: str) -> str:
        return replaced(text, self._matcher.spans(text), ERASED)


def _is_telling(name: str) -> bool:
    found = words(name)
    n_letters = sum(map(len, found))
    shortest = SHORTEST_NUMBER if all(word.isdecimal() for word in found) else SHORTEST
    return n_letters >= shortest and not is_own_word(name)


def _escaped(name: str) -> set[str]:
    """As JSON writes it, for texts that hold JSON."""
    forms = {unicodedata.normalize(form, name) for form in ("NFC", "NFD")}
    return {json.dumps(form)[1:-1] for form in forms if not form.isascii()}
