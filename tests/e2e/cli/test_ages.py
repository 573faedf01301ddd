"""An age is written in one way, whatever command takes it."""

from __future__ import annotations

from datetime import timedelta

import click
import pytest

from mlmcsc.cli.words import Age

COMMANDS = (("archive", "create", "labels"), ("privacy", "anonymize"))


@pytest.mark.parametrize(
    ("word", "days"),
    [("365", 365), ("365d", 365), ("52w", 364), ("1m", 30), ("12m", 365), ("3y", 1095)],
)
def test_an_age_is_a_number_and_its_unit(word, days):
    assert Age()(word) == timedelta(days=days)


@pytest.mark.parametrize(
    "word", ["", "0", "d", "-3d", "1.5y", "36501", "101y", "99999y", "3 y", "3Y", "\u0663y"]
)
def test_what_is_no_age_is_told_with_examples(word):
    with pytest.raises(click.BadParameter, match=r"no age .* write 365 or 365d, 52w, 12m or 1y"):
        Age()(word)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_takes_the_same_ages_and_says_which(mlmcsc, command):
    for age in ("365", "52w", "12m", "3y"):
        assert mlmcsc(*command, "--older-than", age, "--dry-run").code == 0
    ran = mlmcsc(*command, "--older-than", "3x", "--dry-run")
    assert (ran.code, "'3x' is no age" in ran.err) == (2, True)
    told = " ".join(mlmcsc(*command, "--help").out.split())
    assert "365 or 365d, 52w, 12m, 1y; a year is 365 days, a month a twelfth" in told
