"""What becomes of people in frozen datasets: rows that are redacted, and who was given them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mlmcsc.domain.records import Record

CHECKOUT: Final = "checkout"
"""The format under which a checkout is listed among the exports."""


@dataclass(frozen=True, slots=True)
class Contributor:
    """Whose rows are looked for.

    Attributes:
        technician_row: The id in `technicians`; None for a person who never labelled.
        identifiers: The names by which an annotation may speak of them.
        deletes: Whether rows that rest on their labels are redacted, and not only such as name
            them.
        held_images: Images whose rows stay as they are nevertheless.
        nameless: The names are gone already: rows that rest on the person's labels and have an
            annotation are taken for such as name them.
    """

    technician_row: int | None
    identifiers: tuple[str, ...] = ()
    deletes: bool = False
    held_images: frozenset[int] = frozenset()
    nameless: bool = False


@dataclass(frozen=True, slots=True)
class Tally(Record):
    """Rows of one version.

    Attributes:
        of_person: Those that rest on labels of the person, alone or with others'.
        going: Those to be redacted.
        named: Of these, such as only name the person in their annotation.
        held: Those that would be redacted, but for a legal hold on the image.
    """

    of_person: int = 0
    going: int = 0
    named: int = 0
    held: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.of_person + other.of_person,
            self.going + other.going,
            self.named + other.named,
            self.held + other.held,
        )


@dataclass(frozen=True, slots=True)
class Recipient(Record):
    """An export of a version in which labels of the person went out (GDPR Art. 19).

    Attributes:
        version: Which version.
        format: In which form.
        path: Where it was written.
        recipient: For whom, in words; None where nobody said.
        exported_at: When, RFC 3339 in UTC.
        with_people: Whether the numbers of those who measured were in it.
    """

    version: str
    format: str
    path: str
    recipient: str | None
    exported_at: str
    with_people: bool

    def told(self) -> str:
        """A line that says who is to be told of the erasure."""
        whom = self.recipient or "an unnamed recipient"
        return (
            f"Version {self.version}, exported as {self.format} on {self.exported_at[:10]} to "
            f"{self.path} for {whom}: copies that were given away are theirs to correct; tell them "
            "(GDPR Art. 19)."
        )


@dataclass(frozen=True, slots=True)
class VersionErasure(Record):
    """What was done, or would be, to frozen datasets for one person.

    Attributes:
        versions: Rows by version, of those that hold rows of the person or that name them.
        redacted: Rows that are redacted now, by version: such as several versions share count
            for each. In a restored database also those whose files were redacted before.
        recipients: Exports in which labels of the person went out, also of deleted versions.
        unreached: Why files of a version could not be reached, by version.
    """

    versions: dict[str, Tally] = field(default_factory=dict)
    redacted: dict[str, int] = field(default_factory=dict)
    recipients: tuple[Recipient, ...] = ()
    unreached: dict[str, str] = field(default_factory=dict)

    @property
    def n_of_person(self) -> int:
        """Rows that rest on the person's labels, over all versions."""
        return sum(each.of_person for each in self.versions.values())

    @property
    def n_held(self) -> int:
        """Rows that a legal hold keeps, over all versions."""
        return sum(each.held for each in self.versions.values())


@dataclass(frozen=True, slots=True)
class Contribution(Record):
    """A version that rests on somebody's labels, told to them.

    Attributes:
        version: Its name.
        root: What commits to its rows, hex.
        rows: How many rest on their labels; None where the version is deleted.
        recipients: Exports of it that were given away.
    """

    version: str
    root: str
    rows: int | None
    recipients: tuple[Recipient, ...]


def unreached_lines(unreached: Mapping[str, str]) -> tuple[str, ...]:
    """Lines that say which versions' files an erasure did not reach, and what is to be done."""
    return tuple(
        f"Files of data version {name}: {why} When they are put back, run `mlmcsc privacy replay`: "
        "it redacts what rests on the person's labels. The names are gone by then: look for them "
        "in other people's annotations by hand."
        for name, why in sorted(unreached.items())
    )


def checkouts(recipients: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Checkouts in which labels of the person went out, with what is to be done, by folder."""
    return {
        each["path"]: f"a checkout of version {each['version']} with values that rest on the "
        "person's labels: remove it, or renew it with `version checkout --overwrite`"
        for each in recipients
        if each["format"] == CHECKOUT
    }
