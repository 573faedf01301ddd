"""`mlmcsc quality`: how good images, labels, people and models are."""

from __future__ import annotations

import click

from mlmcsc.cli.command import Group
from mlmcsc.cli.quality.accuracy import accuracy
from mlmcsc.cli.quality.agreement import agreement
from mlmcsc.cli.quality.check import check
from mlmcsc.cli.quality.drift import drift
from mlmcsc.cli.quality.suspicious import suspicious
from mlmcsc.cli.quality.update_scores import scores, update_scores


@click.group("quality", cls=Group)
def group() -> None:
    """How good images, labels, people and models are."""


group.add_command(accuracy)
group.add_command(agreement)
group.add_command(check)
group.add_command(drift)
group.add_command(scores)
group.add_command(suspicious)
group.add_command(update_scores)
