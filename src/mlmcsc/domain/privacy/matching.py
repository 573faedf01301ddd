"""Finding names in text, however they are written; for erasure and for copies alike.

A text is compared in NFKD (Unicode Standard Annex 15), casefolded, without soft hyphens and
zero-width characters. Between the words of a name any run of white space, hyphens, dots,
underscores and commas may stand, and its words may be turned: `Last, First`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Span = tuple[int, int]

_MARKS = r"\u0300-\u036f\u3099\u309a"
_WORD = re.compile(rf"(?:[^\W_][{_MARKS}]*)+")
_END = rf"(?![^\W_]|[{_MARKS}])"
_SEPARATORS = r"\s\-._,\u2010-\u2015\u2212"
_ONLY_SEPARATORS = re.compile(rf"[{_SEPARATORS}]+")
_APOSTROPHE = re.compile("['\u2018\u2019\u02bc]")  # as people type them
_UNSEEN = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
POSSESSIVE = "(?:'?s)?"


def fold(text: str) -> str:
    """What two spellings of the same text have in common."""
    if text.isascii():
        return text.lower()
    seen = _APOSTROPHE.sub("'", _UNSEEN.sub("", text))
    return unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", seen).casefold())


def words(text: str) -> list[str]:
    """Its words, folded."""
    return _WORD.findall(fold(text))


@dataclass(frozen=True, slots=True)
class _Form:
    """One spelling: its pattern, which starts with a word; and how long it is."""

    pattern: re.Pattern[str]
    length: int


class Matcher:
    """Finds names as whole words.

    Args:
        names: Which.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._forms: dict[str, list[_Form]] = {}
        spelt = {form for name in names for form in _turned(fold(name).strip())}
        for each in sorted(spelt):
            found = _WORD.findall(each)
            if found:
                form = _Form(re.compile(_pattern(each, len(found))), len(each))
                self._forms.setdefault(found[0], []).append(form)
        for forms in self._forms.values():  # else a name within a name would leave its rest
            forms.sort(key=lambda form: form.length, reverse=True)

    def found(self, text: str) -> bool:
        """Whether a name is in the text."""
        return bool(self._forms) and bool(self._matches(fold(text), first=True))

    def is_one(self, text: str) -> bool:
        """Whether the text is a name and nothing besides."""
        folded = fold(text).strip()
        return (0, len(folded)) in self._matches(folded)

    def spans(self, text: str) -> list[Span]:
        """Where in the text names stand, in order, without overlap."""
        return placed(text, self._matches) if self._forms else []

    def _matches(self, folded: str, *, first: bool = False) -> list[Span]:
        found: list[Span] = []
        end = 0
        for word in _WORD.finditer(folded):
            for form in self._forms.get(word[0], ()) if word.start() >= end else ():
                match = form.pattern.match(folded, word.start())
                if match is not None:
                    found.append(match.span())
                    end = match.end()
                    break
            if found and first:
                break
        return found


def placed(text: str, search: Callable[[str], list[Span]]) -> list[Span]:
    """Places in a text of what `search` finds in the folded one."""
    if text.isascii():
        return search(fold(text))
    if not search(fold(text)):
        return []
    letters = [(letter, at) for at, each in enumerate(text) for letter in fold(each)]
    spans = search("".join(letter for letter, _ in letters))
    return [(letters[start][1], letters[end - 1][1] + 1) for start, end in spans]


def replaced(text: str, spans: Iterable[Span], by: str) -> str:
    """The text with `by` in these places."""
    parts, done = [], 0
    for start, end in spans:
        parts += [text[done:start], by]
        done = end
    return "".join([*parts, text[done:]])


def throughout(value: Any, change: Callable[[str], str]) -> Any:
    """A text, list or object with its texts and keys changed; numbers stay what they are.

    Keys that would become the same are numbered: no value is lost.
    """
    match value:
        case str():
            return change(value)
        case dict():
            return _object(value, change)
        case list() | tuple():
            return [throughout(each, change) for each in value]
    return value


def _object(value: dict[Any, Any], change: Callable[[str], str]) -> dict[str, Any]:
    kept = {key for key in value if isinstance(key, str) and change(key) == key}
    made: dict[str, Any] = {}
    for key, each in value.items():
        name = wanted = change(str(key))
        number = 1
        while key not in kept and (name in kept or name in made):
            number += 1
            name = f"{wanted} {number}"
        made[name] = throughout(each, change)
    return made


def _turned(name: str) -> set[str]:
    """As written; and a name of several words begun with any of them."""
    parts = name.split()
    if len(parts) < 2 or "@" in name or all(part.isdecimal() for part in parts):  # noqa: PLR2004  # words
        return {name}
    return {" ".join(parts[at:] + parts[:at]) for at in range(len(parts))} | {name}


def _pattern(name: str, n_words: int) -> str:
    """A pattern of one spelling, from its first word to its last."""
    found = list(_WORD.finditer(name))
    is_number = all(word[0].isdecimal() for word in found)
    parts = [re.escape(found[0][0])]
    for before, after in pairwise(found):
        gap = name[before.end() : after.start()]
        loose = not is_number and _ONLY_SEPARATORS.fullmatch(gap)
        parts += [f"[{_SEPARATORS}]+" if loose else re.escape(gap), re.escape(after[0])]
    if is_number:  # 12345 is not in 0.12345
        return rf"(?<!\d[.,]){''.join(parts)}(?![.,]\d){_END}"
    is_name = n_words > 1 and " " in name
    return f"{''.join(parts)}{POSSESSIVE if is_name else ''}{_END}"
