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
    """Export, restrict and erase people's data; keep and apply retention periods."""


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

    def may_act_as(self, other: object) -> None:
        """Refuse a change of actor that would add rights.

        Raises:
            ValidationError: If `other` is no actor.
            PermissionDeniedError: If it has permissions that this one lacks.
        """
        if not isinstance(other, Actor):
            raise ValidationError(f"{other!r} is not an Actor: give Actor(subject, permissions).")
        more = other.permissions - self.permissions
        if more:
            raise PermissionDeniedError(
                f"{self.subject!r} may not act as {other.subject!r}, who may do more: "
                f"{', '.join(sorted(more))}. Start from an actor who has these rights."
            )


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
