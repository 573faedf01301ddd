"""The command line: `mlmcsc …`, `python -m mlmcsc …`, `python -m src.database.cli …`.

One file per command group. A command reads its words, calls a service, shows what came back; it
decides nothing. Groups load when they are used, so `--help` loads none.
"""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; see `mlmcsc.cli.exits`.

    Args:
        arguments: The words after the program's name; None takes those of the process.
    """
    from mlmcsc.cli.app import mlmcsc  # noqa: PLC0415  # importing this package loads nothing
    from mlmcsc.cli.exits import run  # noqa: PLC0415

    return run(mlmcsc, arguments)
