"""Keeping colleagues out of a person's copy of their data (GDPR Art. 15(4))."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from mlmcsc.domain.privacy.matching import Matcher, Span, replaced, throughout, words
from mlmcsc.domain.privacy.vocabulary import is_own_word

ANOTHER = "[another person]"
"""What stands where a colleague was named."""
SHORTEST_PART = 3
"""Letters from which a part of a name is hidden in any case; shorter ones as they are spelt."""

_PARTS = re.compile(r"[^\W\d_]+")


class Others:
    """Recognises colleagues in free text; in doubt it hides.

    Staff numbers, logins, names and addresses are found as erasure finds them (see `matching`),
    also without their diacritics. A part of a name, such as the family name, is a name by itself.
    Words by which the person themselves is known are left alone.

    Args:
        called: Every identifier, name and e-mail address of everybody else.
        names: Those of them that are names, which may occur in part.
        own: Those of the person.
    """

    def __init__(self, called: Iterable[str], names: Iterable[str], own: Iterable[str]) -> None:
        mine = [tuple(words(text)) for text in own]
        own_words = {word for phrase in mine for word in phrase}
        theirs = {
            spelt
            for text in called
            if tuple(words(text)) not in mine and not is_own_word(text)
            for spelt in (text, _plain(text))
        }
        parts = {part for name in names for each in (name, _plain(name)) for part in _parts(each)}
        known = {part for part in parts if not own_words & set(words(part))}
        long = {part for part in known if len(part) >= SHORTEST_PART and not is_own_word(part)}
        self._short = known - long
        self._matcher = Matcher(theirs | long | {f"{part}s" for part in long})
        self._shorter = Matcher(self._short)

    def hide(self, value: Any) -> Any:
        """The value with each colleague in its texts replaced; lists and objects throughout.

        Keys that would become the same are numbered.
        """
        return throughout(value, self._hide)

    def _hide(self, text: str) -> str:
        hidden = replaced(text, self._matcher.spans(text), ANOTHER)
        return replaced(hidden, self._as_spelt(hidden), ANOTHER)

    def _as_spelt(self, text: str) -> list[Span]:
        return [
            (start, end)
            for start, end in self._shorter.spans(text)
            if unicodedata.normalize("NFKC", text[start:end]) in self._short
        ]


def _parts(name: str) -> list[str]:
    """The capitalised words of a name: not `von` and `de`."""
    return [part for part in _PARTS.findall(unicodedata.normalize("NFKC", name)) if _is_name(part)]


def _is_name(part: str) -> bool:
    return len(part) > 1 and not part[0].islower()


def _plain(text: str) -> str:
    """Without diacritics."""
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(each for each in decomposed if not unicodedata.combining(each))
