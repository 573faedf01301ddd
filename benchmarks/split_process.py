"""One split in a process of its own, so that its peak memory is its own: prints JSON.

Run as `python -m benchmarks.split_process mlmcsc|original DATABASE`.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import seconds

KIB = 1024


def main(who: str, path: Path) -> None:
    """Split, then tell seconds by the clock and of the processor, rows and peak memory in MB."""
    work = _mlmcsc(path) if who == "mlmcsc" else _original(path)
    sizes: list[int] = []
    began = time.process_time()
    took = seconds(lambda: sizes.append(work()))
    answer = {"seconds": took, "cpu_seconds": time.process_time() - began, "rows": sizes[0]}
    print(json.dumps(answer | {"peak_mb": peak_kib() * KIB / 1e6}))


def peak_kib() -> int:
    """Peak resident memory of this program alone: rusage would count the parent's, before exec."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1])


def _mlmcsc(path: Path) -> Callable[[], int]:
    from benchmarks.worlds import open_db  # noqa: PLC0415  # only this side's memory counts

    db = open_db(path)
    return lambda: sum(len(pairs) for pairs in db.get_training_data().values())


def _original(path: Path) -> Callable[[], int]:
    from benchmarks.original.calls import Original  # noqa: PLC0415  # only this side's memory

    database = Original(path)
    return lambda: sum(map(len, database.splits()))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
