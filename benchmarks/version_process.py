"""One act on dataset versions in a process of its own, so that its peak memory is its own.

Run as `python -m benchmarks.version_process create|diff DATABASE VERSION [OTHER]`; prints JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measure import seconds
from benchmarks.split_process import KIB, peak_kib
from benchmarks.worlds import open_db


def main(act: str, path: Path, *versions: str) -> None:
    """Do it, then tell seconds by clock and processor, a result, and peak memory in MB."""
    found: list[Any] = []
    with open_db(path) as db:
        work: Callable[[], Any] = {
            "create": lambda: db.create_data_version(*versions).total_labels,
            "diff": lambda: db.version_checks.diff(*versions).relabelled,
        }[act]
        began = time.process_time()
        took = seconds(lambda: found.append(work()))
        answer = {"seconds": took, "cpu_seconds": time.process_time() - began, "result": found[0]}
    print(json.dumps(answer | {"peak_mb": peak_kib() * KIB / 1e6}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
