"""Which columns are sealed, name a person, or may: derived from the tags.

A place is `table.column`, as in the associated data of sealed text.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from mlmcsc.domain.privacy.register import REGISTER
from mlmcsc.domain.privacy.tags import Tag


def tagged_places() -> Iterator[tuple[str, str, Tag]]:
    """Every column as (table, column, tag), in the order of the register."""
    for table, columns in REGISTER.items():
        for column, tag in columns.items():
            yield table, column, tag


@cache
def sealed_places() -> frozenset[str]:
    """Columns whose text is stored encrypted under a person's data key."""
    return frozenset(f"{table}.{column}" for table, column, tag in tagged_places() if tag.sealed)


@cache
def identifier_places() -> frozenset[str]:
    """Columns whose value names a person: staff number, login or written name."""
    return frozenset(
        f"{table}.{column}" for table, column, tag in tagged_places() if tag.identifier
    )


@cache
def free_text_places() -> frozenset[str]:
    """Text and JSON columns that may name a person in passing; some are sealed besides."""
    return frozenset(f"{table}.{column}" for table, column, tag in tagged_places() if tag.free_text)


@cache
def personal_places() -> frozenset[str]:
    """Columns with personal data of any kind."""
    return frozenset(f"{table}.{column}" for table, column, tag in tagged_places() if tag.personal)
