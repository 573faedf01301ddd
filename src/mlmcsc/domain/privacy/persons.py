"""One person, by every name and number under which a database knows them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field


def spelling(name: str) -> str:
    """A name in one Unicode form (NFC), its words one space apart: as it is read."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def loosely(name: str) -> str:
    """The same, whatever its letter case."""
    return spelling(name).casefold()


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody the database knows, or knew until they were erased.

    Attributes:
        called: The clear identifier by which the vault knows the person, or will; the subject id
            of somebody erased.
        technician_row: The id in `technicians`, if they are in it.
        subject_id: Random id in the vault; None for somebody whom only raw SQL wrote.
        aliases: Subject ids of the same person under other names: logins, written names.
        identifiers: Staff number, logins, e-mail address, full name, each as it is spelt somewhere;
            none of somebody erased.
        is_erased: Whether the person was erased.
        shared: Names that could mean somebody else, too, and whom. Those that are no identifier
            are nobody's; none is looked for in free text.
    """

    called: str
    technician_row: int | None
    subject_id: str | None
    aliases: tuple[str, ...]
    identifiers: tuple[str, ...]
    is_erased: bool = False
    shared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def subject_ids(self) -> tuple[str, ...]:
        """All subject ids, the person's own first."""
        return (*([self.subject_id] if self.subject_id else []), *self.aliases)

    @property
    def searched(self) -> tuple[str, ...]:
        """Names that mean this person in free text, in any case."""
        left = {loosely(name) for name in self.shared}
        return tuple(name for name in self.identifiers if loosely(name) not in left)

    def is_meant(self, wanted: int | str) -> bool:
        """Whether this is a name as it is spelt, a subject id or the row id of the person."""
        if isinstance(wanted, int):
            return wanted == self.technician_row
        return wanted in self.subject_ids or wanted in self.identifiers
