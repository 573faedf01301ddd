"""Finding a person's names in others' words, and taking them out."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable
from typing import Any, Final

ERASED: Final = "[erased]"
"""What stands in the place of a name."""
SHORTEST: Final = 2
SHORTEST_NUMBER: Final = 5
"""A staff number of fewer digits cannot be told from a measurement."""


class Mentions:
    """A person's names as whole words, in any case and Unicode form.

    Attributes:
        ambiguous: Names that are not searched for, because they could mean anything.

    Args:
        names: Staff number, logins, e-mail address and full name.
    """

    def __init__(self, names: Iterable[str]) -> None:
        every = {name.strip() for name in names} - {""}
        self.ambiguous = tuple(sorted(name for name in every if not _is_telling(name)))
        spelt = {spelling for name in every - set(self.ambiguous) for spelling in _spellings(name)}
        # The longest first, else a name within a name would leave the rest of it.
        ways = "|".join(_flexible(each) for each in sorted(spelt, key=len, reverse=True))
        self._pattern = re.compile(rf"(?<!\w)(?:{ways})(?!\w)", re.IGNORECASE) if ways else None

    def __contains__(self, text: object) -> bool:
        found = self._pattern is not None and isinstance(text, str) and self._pattern.search(text)
        return bool(found)

    def removed(self, value: Any) -> Any:
        """A text or JSON document with `[erased]` for each name; others come back as they are."""
        match value:
            case str() if self._pattern is not None:
                return self._pattern.sub(ERASED, value)
            case dict():
                return {self.removed(key): self.removed(each) for key, each in value.items()}
            case list() | tuple():
                return [self.removed(each) for each in value]
        return value


def _is_telling(name: str) -> bool:
    return len(name) >= (SHORTEST_NUMBER if name.isdecimal() else SHORTEST)


def _spellings(name: str) -> set[str]:
    """As written, family name first, in both Unicode forms, and as JSON escapes it."""
    words = name.split()
    orders = {name}
    if len(words) > 1:
        orders.add(f"{words[-1]}, {' '.join(words[:-1])}")
    forms = {unicodedata.normalize(form, each) for form in ("NFC", "NFD") for each in orders}
    return forms | {json.dumps(each)[1:-1] for each in forms}


def _flexible(name: str) -> str:
    """A pattern in which any white space stands between the words."""
    return r"\s+".join(re.escape(word) for word in name.split())
