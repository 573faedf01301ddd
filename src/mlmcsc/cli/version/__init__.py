"""`mlmcsc version`: datasets frozen for good."""

from __future__ import annotations

import click

from mlmcsc.cli.command import Group
from mlmcsc.cli.version import (
    automatic,
    checking,
    checking_out,
    comparing,
    creating,
    exporting,
    keeping,
)


@click.group("version", cls=Group)
def group() -> None:
    """Dataset versions: freeze, find, compare, prove and check out."""


for command in (*creating.commands, *keeping.commands):
    group.add_command(command)
for command in (automatic.auto, checking.verify, checking.status):
    group.add_command(command)
for command in exporting.commands:
    group.add_command(command)
for command in (checking_out.checkout, comparing.diff):
    group.add_command(command)
