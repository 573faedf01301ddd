"""The other fault tests: run with their results kept, and their tables for docs/reliability.md."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FAULTS = Path(__file__).resolve().parents[1]
RESULTS = FAULTS / "results"
TESTS = (
    "test_damaged_sets.py",
    "test_hostile_sets.py",
    "test_hostile_image_files.py",
    "test_sixteen_writers.py",
)
WRITTEN = ("labels", "corrections", "predictions", "images", "backups")
Found = Mapping[str, Mapping[str, Any]]


def carry_out() -> int:
    """All of them, whole; pytest's exit code. Each writes what it counted when it has passed."""
    words = [sys.executable, "-m", "pytest", "-q", "-m", "slow", "-p", "no:cacheprovider"]
    environment = os.environ | {"MLMCSC_FAULT_RESULTS": str(RESULTS)}
    tests = [str(FAULTS / name) for name in TESTS]
    return subprocess.run([*words, *tests], env=environment, check=False).returncode


def tables() -> str:
    """What the files of results tell; a test that was never run has no table."""
    kinds = {
        "damaged_sets": _damaged,
        "hostile_sets": _hostile_sets,
        "hostile_images": _hostile_images,
        "sixteen_writers": _writers,
    }
    told = []
    for name, lines in kinds.items():
        path = RESULTS / f"{name}.json"
        if path.exists():
            found = json.loads(path.read_text())
            told.append("".join(f"{line}\n" for line in (*lines(found), *_measured(found))))
    return "\n".join(told)


def _damaged(found: Found) -> Iterator[str]:
    yield "| backup | damage to one file | cases | found by `verify` | only by a restore | missed |"
    yield "|---|---|---:|---:|---:|---:|"
    for case, line in sorted(found.items()):
        kind, damage = case.split(", ")
        verify, restore, missed = (line[by] for by in ("verify", "restore", "missed"))
        cases = verify + restore + missed
        yield f"| {kind} | {damage} | {cases:,} | {verify:,} | {restore:,} | {missed:,} |"


def _hostile_sets(found: Found) -> Iterator[str]:
    yield "| hostile set | refused, nothing restored | restored, harmless |"
    yield "|---|---:|---:|"
    for line in found.values():
        for kind in sorted({name.partition(", ")[0] for name in line if ", " in name}):
            refused, done = (line.get(f"{kind}, {ended}", 0) for ended in ("refused", "done"))
            yield f"| {kind} | {refused} | {done} |"
        yield f"| most memory: {line['memory_mb']} MB | | |"


def _hostile_images(found: Found) -> Iterator[str]:
    yield "| hostile images | files | rejected with a reason | read whole | duplicates | MB |"
    yield "|---|---:|---:|---:|---:|---:|"
    for case, line in sorted(found.items()):
        files = sum(line["made"].values()) + line["traps"]
        counted = [files, *(line[k] for k in ("rejected", "stored", "duplicates", "memory_mb"))]
        yield f"| {case} | {' | '.join(f'{n:,}' for n in counted)} |"


def _writers(found: Found) -> Iterator[str]:
    yield f"| 16 writers at once | {' | '.join(WRITTEN)} | lost |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for product, line in sorted(found.items()):
        counted = " | ".join(f"{line[kind]:,}" for kind in WRITTEN)
        lasting = f", {line['seconds']:.0f} s" if "seconds" in line else ""
        yield f"| {product}{lasting} | {counted} | 0 |"


def _measured(found: Found) -> list[str]:
    days = sorted({line["at"][:10] for line in found.values() if "at" in line})
    return ["", f"Measured: {', '.join(days)}."] if days else []
