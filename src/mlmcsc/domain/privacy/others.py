"""Keeping colleagues out of a person's copy of their data (GDPR Art. 15(4))."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

ANOTHER = "[another person]"
"""What stands where a colleague was named."""

_WORD = re.compile(r"\w+")
SHORTEST_PART = 3
"""Letters from which a part of a name is a name by itself."""


class Others:
    """Recognises colleagues in free text, word by word.

    A staff number, login, name or address is found whatever its case and whatever stands between
    its words. A part of a name, such as the family name, is found as it is spelt. Words by which
    the person themselves is known are left alone.

    Args:
        called: Every identifier, name and e-mail address of everybody else.
        names: Those of them that are names, which may occur in part.
        own: Those of the person.
    """

    def __init__(self, called: Iterable[str], names: Iterable[str], own: Iterable[str]) -> None:
        mine = list(own)
        own_phrases = {_words(text) for text in mine}
        own_words = {word for phrase in own_phrases for word in phrase}
        self._phrases: dict[str, list[tuple[str, ...]]] = {}
        for phrase in {_words(text) for text in called} - own_phrases - {()}:
            self._phrases.setdefault(phrase[0], []).append(phrase)
        for phrases in self._phrases.values():
            phrases.sort(key=len, reverse=True)
        self._parts = {
            part
            for name in names
            for part in _WORD.findall(name)
            if _is_name(part) and part.casefold() not in own_words
        }

    def hide(self, value: Any) -> Any:
        """The value with each colleague in its texts replaced; lists and objects throughout."""
        match value:
            case str():
                return self._hide(value)
            case dict():
                return {self._hide(str(key)): self.hide(each) for key, each in value.items()}
            case list() | tuple():
                return [self.hide(each) for each in value]
        return value

    def _hide(self, text: str) -> str:
        words = list(_WORD.finditer(text))
        folded = [word[0].casefold() for word in words]
        parts: list[str] = []
        done = at = 0
        while at < len(words):
            length = self._length(folded, at, words[at][0])
            if length:
                parts += [text[done : words[at].start()], ANOTHER]
                done = words[at + length - 1].end()
            at += length or 1
        return "".join([*parts, text[done:]])

    def _length(self, folded: list[str], at: int, spelt: str) -> int:
        """How many words from here name a colleague."""
        for phrase in self._phrases.get(folded[at], ()):
            if tuple(folded[at : at + len(phrase)]) == phrase:
                return len(phrase)
        return 1 if spelt in self._parts else 0


def _is_name(part: str) -> bool:
    return len(part) >= SHORTEST_PART and part[0].isalpha() and not part[0].islower()


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.casefold() for word in _WORD.findall(text))
