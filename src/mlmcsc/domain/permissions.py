"""Who may do what.

Every write is made by an `Actor`; service methods declare the permission they need with
`@requires`. The embedded default actor is the local OS user, who owns the database file.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from mlmcsc.errors import PermissionDeniedError, ValidationError


class Permission(StrEnum):
    """One right. A role is a set of them."""

    READ = "read"
    LABEL = "label"
    PREDICT = "predict"
    INGEST = "ingest"
    VERIFY = "verify"
    TRAIN = "train"
    MANAGE_PEOPLE = "manage_people"
    MANAGE_MODELS = "manage_models"
    ADMINISTER = "administer"
    AUDIT = "audit"
    """Read and prove the audit trail."""
    READ_PERSONAL = "read_personal"
    """See names, e-mail addresses and notes in clear."""
    PRIVACY = "privacy"
    """Export, restrict and erase people's data; opens every personal text, also restricted."""
    RETAIN = "retain"
    """Plan and apply retention periods, move rows to archives and back; opens no personal text."""
    KEYS = "keys"
    """See the state of master keys, rotate and destroy them; opens no personal text."""
    QUALITY = "quality"
    """Measure images, compare people and models, make consensus labels."""
    BACKUP = "backup"
    """Make, check, drill and prune backups; restoring one needs `administer` too."""


ALL_PERMISSIONS = frozenset(Permission)


@dataclass(frozen=True, slots=True)
class Actor:
    """The person or program behind a call, as the audit trail will name it.

    Attributes:
        subject: Stable identifier; never a display name.
        permissions: What the actor may do.
        auth_method: How the identity was established (`os-user`, `password`, `token` …).
        ip: Remote address, if any.
        user_agent: Client program, if any.
        reason: Why the actor does this; stored with every event of the call.
    """

    subject: str
    permissions: frozenset[Permission] = ALL_PERMISSIONS
    auth_method: str = "os-user"
    ip: str | None = None
    user_agent: str | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        """Refuse what the trail could not hold to the letter.

        Raises:
            ValidationError: A value is no text, too long, or not printable.
        """
        for name, longest in LONGEST.items():
            _check_text(name, getattr(self, name), longest)
        if not (self.subject or "").strip():
            raise ValidationError("Actor.subject is empty: give a login or a staff number.")

    def may_act_as(self, other: object) -> None:
        """Refuse a change of actor that would add rights.

        Another subject is a right too: everyone may see their own data, and events bear the name.

        Raises:
            ValidationError: If `other` is no actor.
            PermissionDeniedError: If it has permissions that this one lacks, or is somebody else
                and this one is no administrator.
        """
        if not isinstance(other, Actor):
            raise ValidationError(f"{other!r} is not an Actor: give Actor(subject, permissions).")
        more = other.permissions - self.permissions
        if more:
            raise PermissionDeniedError(
                f"{self.subject!r} may not act as {other.subject!r}, who may do more: "
                f"{', '.join(sorted(more))}. Start from an actor who has these rights."
            )
        if other.subject != self.subject and Permission.ADMINISTER not in self.permissions:
            raise PermissionDeniedError(
                f"{self.subject!r} may not act as {other.subject!r}, who is somebody else: that "
                f"needs the permission {Permission.ADMINISTER.value!r}."
            )


LONGEST = {"subject": 100, "ip": 45, "user_agent": 500, "reason": 10_000}
"""Characters that the audit trail has room for."""


def _check_text(name: str, value: object, longest: int) -> None:
    if value is None:
        return
    if not isinstance(value, str):
        raise ValidationError(f"Actor.{name}={value!r}: give text.")
    if len(value) > longest:
        raise ValidationError(
            f"Actor.{name} has {len(value):,} characters; at most {longest:,}. Shorten it."
        )
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValidationError(f"Actor.{name}={value!r}: is not Unicode text.") from None
    if "\0" in value or (name == "subject" and not value.isprintable()):
        raise ValidationError(f"Actor.{name}={value!r}: control characters are not allowed.")


class HasActor(Protocol):
    """A service bound to an actor."""

    @property
    def actor(self) -> Actor:
        """The actor that calls are made for."""
        ...


ServiceT = TypeVar("ServiceT", bound=HasActor)
P = ParamSpec("P")
R = TypeVar("R")


def requires(
    permission: Permission,
) -> Callable[[Callable[Concatenate[ServiceT, P], R]], Callable[Concatenate[ServiceT, P], R]]:
    """Refuse a service method to actors without `permission`.

    Raises:
        PermissionDeniedError: When the method is called by such an actor; nothing is done.
    """

    def decorate(
        method: Callable[Concatenate[ServiceT, P], R],
    ) -> Callable[Concatenate[ServiceT, P], R]:
        @functools.wraps(method)
        def checked(self: ServiceT, /, *args: P.args, **kwargs: P.kwargs) -> R:
            if permission not in self.actor.permissions:
                raise PermissionDeniedError(
                    f"{self.actor.subject!r} may not use "
                    f"{type(self).__name__.lower()}.{method.__name__}: it needs the permission "
                    f"{permission.value!r}. Ask an administrator for a role that has it."
                )
            return method(self, *args, **kwargs)

        return checked

    return decorate
