"""`python tests/faults/programme`: break everything that can be broken, and judge what is left."""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
COPY = "MLMCSC_FAULTS_CODE"
POINTS = {"kill": 1000}
OF_ERRORS = 500
UNABLE = 77
"""Not 2, by which argparse says that it does not understand."""
KEPT = Path(tempfile.gettempdir()) / "mlmcsc-faults"


def main() -> int:
    """As told by the command line; 0 when nothing was wrong, 1 when something was, 77 unable."""
    wanted = _arguments()
    if COPY not in os.environ:
        _start_again_with_a_copy(wanted.results)
    import injecting
    import others
    import reporting
    from operations import OPERATIONS
    from running import Programme

    wrong = 0
    if wanted.others or (wanted.record and not wanted.operation):
        wrong = others.carry_out()
        reporting.write_page()
    if wanted.others:
        return wrong
    if wanted.page:
        reporting.write_page()
        return 0
    missing = injecting.missing()
    if missing:
        return _unable(missing)
    scratch = Path(tempfile.mkdtemp(prefix="mlmcsc-faults-", dir=_in_memory()))
    programme = Programme(scratch, wanted.results / os.environ[COPY], wanted.workers)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # worlds and mounts go, too
    faults = _possible(wanted)
    try:
        for operation in wanted.operation or OPERATIONS:
            units = OPERATIONS[operation].units
            OPERATIONS[operation].units = min(wanted.units or units, units)
            for fault, runs in programme.carry_out(operation, faults):
                line = reporting.summed(runs, os.environ[COPY])
                wrong += line["wrong"]
                _tell(operation, fault, line)
                if wanted.record:
                    reporting.keep(operation, fault, line)
                    reporting.write_page()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return 1 if wrong else 0


def _possible(wanted: argparse.Namespace) -> dict[str, int]:
    """The faults that can be had on this machine, and how many of each."""
    import shortening
    from planning import FAULTS

    faults = {
        fault: wanted.points or POINTS.get(fault, OF_ERRORS) for fault in wanted.faults or FAULTS
    }
    unable = {"short": shortening.missing()}
    if os.geteuid() != 0:
        unable["full"] = "only root may mount a small tmpfs"
    for fault, why in unable.items():
        if why is not None and faults.pop(fault, None) is not None:
            _unable(f"{fault}: {why}")
    return faults


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    listed = lambda text: text.split(",")  # noqa: E731  # argparse wants a callable
    parser.add_argument("--operation", type=listed, help="all of them, or some: ingest,erase")
    parser.add_argument("--faults", type=listed, help="kill,eio,enospc,short,full, or some")
    parser.add_argument("--points", type=int, help="faults of each kind; 1000 kills, 500 errors")
    parser.add_argument("--units", type=int, help="units of work, if fewer than usual")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--results", type=Path, default=KEPT, help="where to go on from")
    parser.add_argument("--record", action="store_true", help="into docs/reliability.md")
    parser.add_argument("--others", action="store_true", help="the tests beside the programme only")
    parser.add_argument("--page", action="store_true", help="only write the page anew")
    return parser.parse_args()


def _start_again_with_a_copy(results: Path) -> None:
    """The code under test is a copy: it stays as it is while somebody goes on editing."""
    files = sorted([*(ROOT / "src").rglob("*.py"), *Path(__file__).parent.rglob("*.py")])
    told = hashlib.sha256()
    for file in files:
        told.update(str(file.relative_to(ROOT)).encode() + file.read_bytes())
    code = told.hexdigest()[:12]
    copy = results / code / "src"
    if not copy.exists():
        shutil.copytree(ROOT / "src", copy)  # with what is compiled
    os.environ |= {COPY: code, "PYTHONPATH": str(copy), "OPENBLAS_NUM_THREADS": "1"}
    os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606  # this program itself


def _in_memory() -> str | None:
    """A kill leaves what the kernel has; syncing a disk would only take time."""
    memory = Path("/dev/shm")  # noqa: S108  # a folder of a random name is made in it
    return str(memory) if os.access(memory, os.W_OK) else None


def _unable(why: str) -> int:
    sys.stderr.write(f"NOT RUN: {why}\n")
    return UNABLE


def _tell(operation: str, fault: str, line: dict[str, object]) -> None:
    sys.stdout.write(
        f"{operation} {fault}: {line['happened']} happened at {line['points']} points, "
        f"{line['wrong']} wrong {line['kinds']}, {line['seconds_per_run']} s each\n"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
