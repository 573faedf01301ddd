"""A folder of micrographs under version control: mlmcsc against DVC, command line against the same.

DVC is `$MLMCSC_BENCH_DVC`, else `dvc` of the search path. Without either, the figures that the
issue gives stand in for it, which were measured on another folder.

What the two do is not the same. `dvc add` hashes (MD5) and copies every file. `images ingest`
hashes (SHA-256), decodes every picture, reads its metadata and looks for near-duplicates; it copies
with `--storage managed` only, and then waits for the disk, which DVC never does. `dvc checkout`
copies; `version verify` reads and hashes, `version checkout` does both.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.measure import Row, compare, seconds, take_turns
from benchmarks.pictures import HEIGHT, WIDTH, micrographs
from benchmarks.worlds import Worlds, open_db

PICTURES = 2_000
ROUNDS = 2
SMALL = (400, 300)
"""Pixels of the small pictures: 120 kB as TIFF, 35 kB as JPEG."""
TIMES = 3.0
"""How many times faster we mean to be."""
PROGRAM = os.environ.get("MLMCSC_BENCH_DVC") or shutil.which("dvc")
STATED = {"add": 145e6, "checkout": 181e6, "status": 0.66}
"""Bytes/s, bytes/s and seconds of DVC, as the issue has them."""
MB = 1e6


def run(worlds: Worlds) -> list[Row]:
    """Both folders: pictures as microscopes save them, and small ones."""
    return [
        row
        for width, height in ((WIDTH, HEIGHT), SMALL)
        for row in _measure(Bench.prepare(worlds, width, height))
    ]


def _measure(bench: Bench) -> list[Row]:
    """Add, verify, check out, status; by the command line, and once more without its start."""
    bench.dvc_add(), bench.ours_add("in_place")  # loads both programs
    sides: dict[str, Callable[[], float]] = {
        "in_place": lambda: bench.ours_add("in_place"),
        "managed": lambda: bench.ours_add("managed"),
        "dvc": bench.dvc_add,
    }
    added = take_turns(ROUNDS, **sides)
    bench.ours_add("in_place"), bench.dvc_add()
    checked = take_turns(ROUNDS, ours=bench.verify, copied=bench.checkout, dvc=bench.dvc_checkout)
    again = take_turns(ROUNDS, ours=lambda: bench.verify("--quick"), dvc=bench.dvc_checkout_again)
    status = take_turns(ROUNDS, ours=bench.status, dvc=bench.dvc_status)
    inside = bench.inside()
    bench.clear()
    speeds = [
        _speed(bench, "images ingest (in place) and version create", added, "in_place", "add"),
        _speed(
            bench, "images ingest --storage managed and version create", added, "managed", "add"
        ),
        _speed(bench, "version verify, nothing changed", checked, "ours", "checkout"),
        _speed(bench, "version checkout, images copied and hashed", checked, "copied", "checkout"),
    ]
    stated = [_against_stated(row) for row in speeds] if PROGRAM else []
    return [
        *speeds,
        *stated,
        _times(bench, "version verify --quick, nothing changed", again, "checkout, nothing to do"),
        _times(bench, "version status, nothing changed", status, "status"),
        *inside,
    ]


@dataclass(frozen=True)
class Bench:
    """The folder, and a place for each program.

    Attributes:
        worlds: Where everything lies.
        pictures: The folder of micrographs, which no program changes.
        size: Its bytes.
        count: Its files.
        shape: Width and height of a picture in words.
    """

    worlds: Worlds
    pictures: Path
    size: int
    count: int
    shape: str

    @classmethod
    def prepare(cls, worlds: Worlds, width: int, height: int) -> Bench:
        """Draw the pictures."""
        folder = worlds.folder / "micrographs"
        paths = micrographs(folder, worlds.size(PICTURES), width=width, height=height)
        size = sum(path.stat().st_size for path in paths)
        return cls(worlds, folder, size, len(paths), f"{width} x {height}")

    @property
    def what(self) -> str:
        """The folder in words."""
        return (
            f"{self.count} micrographs of {self.shape}, half TIFF half JPEG, "
            f"{self.size / MB:,.0f} MB"
        )

    @property
    def database(self) -> Path:
        """Ours."""
        return self.worlds.folder / "dvc-rival.db"

    @property
    def workspace(self) -> Path:
        """DVC's."""
        return self.worlds.folder / "dvc"

    def ours_add(self, storage: str) -> float:
        """Seconds to ingest the folder into a new database and freeze a version.

        Labels are stored in between and not counted: DVC has none.
        """
        self.worlds.remove(self.database)
        took = seconds(
            lambda: self._mlmcsc("images", "ingest", self.pictures, "--storage", storage)
        )
        self._label()
        return took + seconds(lambda: self._mlmcsc("version", "create", "v1"))

    def _label(self) -> None:
        ids = np.arange(1, self.count + 1)
        with open_db(self.database) as db:
            who = db.register_technician("tech_001", "Benchmark Technician")
            values = np.random.default_rng(9).random(len(ids))
            db.store_labels({"image_id": ids, "label": values}, technician_id=who)

    def verify(self, *options: str) -> float:
        """Seconds to read and hash the version's rows and all its pictures."""
        return seconds(lambda: self._mlmcsc("version", "verify", "v1", *options))

    def checkout(self) -> float:
        """Seconds to copy all pictures into a new folder."""
        target = self.worlds.folder / "checkout"
        shutil.rmtree(target, ignore_errors=True)
        took = seconds(lambda: self._mlmcsc("version", "checkout", "v1", target))
        shutil.rmtree(target)
        return took

    def status(self) -> float:
        """Seconds to tell that nothing changed since the version."""
        return seconds(lambda: self._mlmcsc("version", "status", "v1"))

    def _mlmcsc(self, *words: object) -> None:
        url = f"sqlite:///{self.database}"
        _run([sys.executable, "-m", "mlmcsc", "--database", url, *map(str, words)])

    def dvc_add(self) -> float:
        """Seconds of `dvc add` in a new workspace, the pictures already in it."""
        if PROGRAM is None:
            return self.size / STATED["add"]
        shutil.rmtree(self.workspace, ignore_errors=True)
        self.workspace.mkdir()
        shutil.copytree(self.pictures, self.workspace / "pictures")
        self._dvc("init", "--no-scm", "-q")
        self._dvc("config", "core.check_update", "false")
        return seconds(lambda: self._dvc("add", "-q", "pictures"))

    def dvc_checkout(self) -> float:
        """Seconds of `dvc checkout` after the folder went."""
        if PROGRAM is None:
            return self.size / STATED["checkout"]
        shutil.rmtree(self.workspace / "pictures")
        return seconds(lambda: self._dvc("checkout", "-q"))

    def dvc_checkout_again(self) -> float:
        """Seconds of `dvc checkout` with every file in its place."""
        return STATED["status"] if PROGRAM is None else seconds(lambda: self._dvc("checkout", "-q"))

    def dvc_status(self) -> float:
        """Seconds of `dvc status` with nothing changed."""
        return STATED["status"] if PROGRAM is None else seconds(lambda: self._dvc("status", "-q"))

    def _dvc(self, *words: str) -> None:
        kept = {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(self.workspace / ".site")}
        _run([str(PROGRAM), *words], self.workspace, kept)

    def inside(self) -> list[Row]:
        """The same work of ours in a program that is running."""
        self.worlds.remove(self.database)
        with open_db(self.database) as db:
            ingest = seconds(lambda: db.ingest(self.pictures))
        self._label()
        with open_db(self.database) as db:
            create = seconds(lambda: db.create_data_version("v1"))
            verify = seconds(lambda: db.version_checks.verify("v1"))
            status = statistics.median(
                seconds(lambda: db.version_checks.status("v1")) for _ in range(ROUNDS)
            )
        rate = self.size / MB
        return [
            Row("dvc", "in a running program: ingest in place", rate / ingest, "MB/s"),
            Row("dvc", f"in a running program: version of {self.count} images", create, "s"),
            Row("dvc", "in a running program: verify it", rate / verify, "MB/s"),
            Row("dvc", "in a running program: status", status, "s"),
        ]

    def clear(self) -> None:
        """Delete what was made."""
        self.worlds.remove(self.database)
        shutil.rmtree(self.workspace, ignore_errors=True)
        shutil.rmtree(self.pictures)


def _run(
    command: Sequence[str], folder: Path | None = None, variables: Mapping[str, str] | None = None
) -> None:
    clean = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    subprocess.run(
        command, cwd=folder, env=clean | dict(variables or {}), check=True, capture_output=True
    )


def _against(command: str) -> str:
    if PROGRAM is None:
        return f"dvc {command} as the issue states it, on another folder: no DVC here"
    done = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True)
    return f"dvc {command}, DVC {done.stdout.strip()}, files copied"


def _speed(
    bench: Bench, what: str, figures: Mapping[str, list[float]], side: str, command: str
) -> Row:
    return compare(
        "dvc",
        f"{what}: {bench.what}",
        "MB/s",
        [bench.size / MB / each for each in figures[side]],
        [bench.size / MB / each for each in figures["dvc"]],
        against=_against(command),
        at_least=TIMES,
    )


def _against_stated(row: Row) -> Row:
    """The same figure against DVC as the issue has it, on a folder that it does not name."""
    command = row.against.split()[1].rstrip(",")
    base = STATED[command] / MB
    return compare(
        "dvc",
        row.what,
        row.unit,
        [row.product],
        [base],
        against=f"dvc {command} as the issue states it, on another folder",
        at_least=TIMES,
    )


def _times(bench: Bench, what: str, figures: Mapping[str, list[float]], command: str) -> Row:
    return compare(
        "dvc",
        f"{what}, {bench.count} files of {bench.shape}, with the program's start",
        "times/s",
        [1 / each for each in figures["ours"]],
        [1 / each for each in figures["dvc"]],
        against=_against(command),
        at_least=TIMES,
    )
