"""How long a command line call takes before it does anything."""

from __future__ import annotations

import compileall
import subprocess
import sys
from pathlib import Path

import mlmcsc
from benchmarks.measure import Row, judge, seconds, take_turns
from benchmarks.worlds import Worlds

ROUNDS = 10


def run(worlds: Worlds) -> list[Row]:
    """`mlmcsc --help` with bytecode compiled; a bare interpreter for comparison."""
    del worlds  # no database is involved
    compileall.compile_dir(Path(mlmcsc.__file__).parent, quiet=2)
    figures = take_turns(
        ROUNDS,
        help=lambda: seconds(lambda: _python("-m", "mlmcsc", "--help")),
        bare=lambda: seconds(lambda: _python("-c", "pass")),
    )
    middle = {name: sorted(found)[ROUNDS // 2] for name, found in figures.items()}
    return [
        judge("startup", "mlmcsc --help, bytecode compiled", "s", middle["help"], below=0.3),
        judge("startup", "an interpreter that does nothing", "s", middle["bare"]),
    ]


def _python(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
