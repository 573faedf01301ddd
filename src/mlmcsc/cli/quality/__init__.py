"""`mlmcsc quality`: how good images, labels, people and models are."""

from __future__ import annotations

import click

from mlmcsc.cli.command import Group
from mlmcsc.cli.quality.accuracy import accuracy
from mlmcsc.cli.quality.agreement import agreement


@click.group("quality", cls=Group)
def group() -> None:
    """How good images, labels, people and models are."""


group.add_command(accuracy)
group.add_command(agreement)
