"""The results, as a file for programs and as the table of docs/reliability.md."""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import others

ROOT = Path(__file__).resolve().parents[3]
LATEST = ROOT / "tests" / "faults" / "results" / "latest.json"
PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
OTHERS_BEGIN, OTHERS_END = "<!-- others: begin -->", "<!-- others: end -->"
SHOWN = 20
"""Problems that are quoted in the file."""

NAMES = {
    "kill": "`kill -9`",
    "eio": "EIO",
    "enospc": "ENOSPC",
    "short": "short write",
    "full": "full tmpfs",
}
HEAD = (
    "| operation | fault | happened | at distinct points | refused clearly | went on | "
    "acknowledged units looked for | lost | torn | stuck | unclear errors | leftovers |\n"
    "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n"
)


def summed(runs: Sequence[Mapping[str, Any]], code: str) -> dict[str, Any]:
    """One line of the table; runs in which the fault did not happen count only where wrong."""
    met = [each for each in runs if each["reached"]]
    wrong = [each for each in runs if each["problems"]]
    kinds = Counter(
        kind for each in wrong for kind in {p.partition(":")[0] for p in each["problems"]}
    )
    return {
        "code": code,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "happened": len(met),
        "points": len({tuple(each["point"].values()) for each in met}),
        "not_reached": len(runs) - len(met),
        "refused": sum(each["ended"] == "refused" for each in met),
        "went_on": sum(each["ended"] == "finished" for each in met),
        "acknowledged": sum(each["acknowledged"] for each in runs),
        "seconds_per_run": round(sum(each["seconds"] for each in runs) / max(len(runs), 1), 3),
        "wrong": len(wrong),
        "kinds": dict(sorted(kinds.items())),
        "problems": [
            {"point": each["point"], "ended": each["ended"], "problems": each["problems"][:3]}
            for each in wrong[:SHOWN]
        ],
    }


def keep(operation: str, fault: str, line: Mapping[str, Any]) -> None:
    """Into the file, in the place of the line of an earlier time."""
    found = json.loads(LATEST.read_text()) if LATEST.exists() else {}
    found.setdefault(operation, {})[fault] = line
    LATEST.parent.mkdir(exist_ok=True)
    LATEST.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")


def write_page() -> None:
    """The tables into the page, between their marks."""
    found = json.loads(LATEST.read_text()) if LATEST.exists() else {}
    lines = [
        _row(operation, fault, found[operation][fault])
        for operation in found
        for fault in NAMES
        if fault in found[operation]
    ]
    every = [line for faults in found.values() for line in faults.values()]
    told = "; ".join(sorted({f"{e['at'][:10]}, code {e['code']}, {e['system']}" for e in every}))
    table = HEAD + "".join(lines)
    page = _between(PAGE.read_text(), BEGIN, END, f"{table}\nMeasured: {told}.\n")
    PAGE.write_text(_between(page, OTHERS_BEGIN, OTHERS_END, others.tables()))


def _between(page: str, begin: str, end: str, text: str) -> str:
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n{text}{end}{after}"


def _row(operation: str, fault: str, line: Mapping[str, Any]) -> str:
    kinds = line["kinds"]
    cells = [operation, NAMES[fault], *(f"{line[k]:,}" for k in ("happened", "points"))]
    cells += [f"{line[k]:,}" for k in ("refused", "went_on", "acknowledged")]
    cells += [str(kinds.get(k, 0)) for k in ("lost", "torn", "stuck", "unclear", "left over")]
    return f"| {' | '.join(cells)} |\n"
