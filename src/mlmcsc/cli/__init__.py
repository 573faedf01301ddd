"""The command line: `mlmcsc …`, `python -m mlmcsc …`, `python -m src.database.cli …`.

One file per command group. A command reads its words, calls a service, shows what came back; it
decides nothing. Groups load when they are used, so `--help` loads none.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; see `mlmcsc.cli.exits`.

    Args:
        arguments: The words after the program's name; None takes those of the process.
    """
    if arguments is None:  # the process is ours: importing makes much, and none of it garbage
        gc.set_threshold(50_000)
    from mlmcsc.cli.app import mlmcsc  # noqa: PLC0415  # importing this package loads nothing
    from mlmcsc.cli.exits import run  # noqa: PLC0415

    return run(mlmcsc, arguments)
