"""How long a command line call takes before it does anything."""

from __future__ import annotations

import compileall
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import mlmcsc
from benchmarks.measure import Row, judge, seconds, take_turns
from benchmarks.worlds import Worlds

ROUNDS = 10
LIBRARIES = "import sqlalchemy, numpy, pydantic, click"


def run(worlds: Worlds) -> list[Row]:
    """`mlmcsc --help` and a listing with bytecode compiled; a bare interpreter to compare."""
    del worlds  # its databases are large; an empty one shows what starting costs
    compileall.compile_dir(Path(mlmcsc.__file__).parent, quiet=2)
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/lab.db"
        mlmcsc.DatabaseManager(url).close()
        listing = ("-m", "mlmcsc", "--database", url, "version", "list")
        figures = take_turns(
            ROUNDS,
            help=lambda: seconds(lambda: _python("-m", "mlmcsc", "--help")),
            listing=lambda: seconds(lambda: _python(*listing)),
            libraries=lambda: seconds(lambda: _python("-c", LIBRARIES)),
            bare=lambda: seconds(lambda: _python("-c", "pass")),
        )
    middle = {name: sorted(found)[ROUNDS // 2] for name, found in figures.items()}
    return [
        judge("startup", "mlmcsc --help, bytecode compiled", "s", middle["help"], below=0.3),
        judge("startup", "mlmcsc version list, empty database", "s", middle["listing"]),
        judge("startup", "importing the libraries that it needs", "s", middle["libraries"]),
        judge("startup", "an interpreter that does nothing", "s", middle["bare"]),
    ]


def _python(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
