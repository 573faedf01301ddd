from __future__ import annotations

from dataclasses import dataclass

import pytest

from mlmcsc.domain.permissions import ALL_PERMISSIONS, Actor, Permission, requires
from mlmcsc.errors import PermissionDeniedError, ValidationError


@dataclass
class Service:
    actor: Actor
    calls: int = 0

    @requires(Permission.TRAIN)
    def split(self, share, *, seed=0):
        """Deals."""
        self.calls += 1
        return share, seed


def test_an_actor_with_the_right_is_let_through_with_its_arguments():
    assert Service(Actor("al")).split(0.5, seed=3) == (0.5, 3)


@pytest.mark.parametrize("rights", [frozenset(), ALL_PERMISSIONS - {Permission.TRAIN}])
def test_an_actor_without_the_right_is_told_which_one_and_nothing_is_done(rights):
    service = Service(Actor("al", rights))
    with pytest.raises(PermissionDeniedError, match=r"'al' may not use service.split.*'train'"):
        service.split(0.5)
    assert service.calls == 0


def test_a_guarded_method_keeps_its_name_and_docstring():
    assert Service.split.__name__ == "split"
    assert Service.split.__doc__ == "Deals."


def test_the_local_user_may_do_everything():
    assert Actor("al").permissions == frozenset(Permission)


def test_an_actor_hands_on_no_more_than_its_own_rights():
    reader = Actor("al", frozenset({Permission.READ}))
    reader.may_act_as(Actor("al", frozenset()))
    with pytest.raises(PermissionDeniedError, match=r"'al' may not act as 'root'.*train"):
        reader.may_act_as(Actor("root"))
    with pytest.raises(ValidationError, match="not an Actor"):
        reader.may_act_as("bo")
