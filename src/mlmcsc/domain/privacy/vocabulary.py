"""Words that the program itself writes: as names of people they cannot be told from these."""

from __future__ import annotations

from enum import StrEnum
from functools import cache

from mlmcsc.domain import enums
from mlmcsc.domain.privacy.matching import words
from mlmcsc.domain.privacy.register import REGISTER


@cache
def own_words() -> frozenset[tuple[str, ...]]:
    """Tables, columns and the closed vocabularies, as words."""
    kinds = [each for each in vars(enums).values() if isinstance(each, type)]
    closed = [
        member.value
        for kind in kinds
        if issubclass(kind, StrEnum) and kind is not StrEnum
        for member in kind
    ]
    named = [*REGISTER, *(column for columns in REGISTER.values() for column in columns)]
    return frozenset(tuple(words(each)) for each in (*named, *closed))


def is_own_word(name: str) -> bool:
    """Whether a name is one of them."""
    return tuple(words(name)) in own_words()
