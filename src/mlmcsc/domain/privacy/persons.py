"""One person, by every name and number under which a database knows them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody the database knows, or knew until they were erased.

    Attributes:
        called: The clear identifier by which the vault knows the person, or will; the subject id
            of somebody erased.
        technician_row: The id in `technicians`, if they are in it.
        subject_id: Random id in the vault; None for somebody whom only raw SQL wrote.
        aliases: Subject ids of the same person under other names: logins, written names.
        identifiers: Staff number, logins, e-mail address, full name; none of somebody erased.
        is_erased: Whether the person was erased.
    """

    called: str
    technician_row: int | None
    subject_id: str | None
    aliases: tuple[str, ...]
    identifiers: tuple[str, ...]
    is_erased: bool = False

    @property
    def subject_ids(self) -> tuple[str, ...]:
        """All subject ids, the person's own first."""
        return (*([self.subject_id] if self.subject_id else []), *self.aliases)

    def is_meant(self, wanted: int | str) -> bool:
        """Whether this is a name (in any case), a subject id or the row id of the person."""
        if isinstance(wanted, int):
            return wanted == self.technician_row
        if wanted in self.subject_ids:
            return True
        return wanted.lower() in {name.lower() for name in self.identifiers}
