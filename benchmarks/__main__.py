"""`python -m benchmarks [NAME ...] [--json FILE] [--quick] [--folder DIR]`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import (
    audit,
    audit_cost,
    backup,
    bulk,
    durable,
    dvc,
    features,
    image_quality,
    ingest,
    label_queue,
    machine,
    pages,
    quality_check,
    report,
    similarity,
    splits,
    startup,
    versions,
)
from benchmarks.worlds import Worlds

BENCHMARKS = {
    "ingest": ingest.run,
    "bulk": bulk.run,
    "audit_cost": audit_cost.run,
    "durable": durable.run,
    "splits": splits.run,
    "pages": pages.run,
    "features": features.run,
    "audit": audit.run,
    "startup": startup.run,
    "versions": versions.run,
    "similarity": similarity.run,
    "image_quality": image_quality.run,
    "dvc": dvc.run,
    "backup": backup.run,
    "quality_check": quality_check.run,
    "label_queue": label_queue.run,
}
ROOT = Path(__file__).resolve().parents[1]
LATEST = ROOT / "benchmarks" / "results" / "latest.json"
PAGE = ROOT / "docs" / "benchmarks.md"


def main() -> int:
    """Run the named benchmarks (all by default), print the table, save the figures.

    Returns:
        The exit code: 1 when a target was missed, except in a quick run, which judges nothing.
    """
    asked = _arguments()
    names = asked.names or list(BENCHMARKS)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="mlmcsc-bench-", dir=asked.folder) as folder:
        worlds = Worlds(Path(folder), quick=asked.quick)
        facts = machine.facts(worlds.folder)
        for name in names:
            stamp = {
                "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "load_before": machine.load(),
            }
            found = [row.to_dict() | stamp for row in BENCHMARKS[name](worlds)]
            print(report.screen(found), flush=True)
            rows += found
    document = {"quick": asked.quick, "machine": facts, "rows": rows}
    if asked.json is not None:
        report.write_json(asked.json, document)
    elif not asked.quick:
        document = report.merge(LATEST, document)
        report.write_json(LATEST, document)
        PAGE.write_text(report.markdown(document, list(BENCHMARKS)), "utf-8")
    return 0 if asked.quick else exit_code(rows)


def exit_code(rows: Sequence[Mapping[str, Any]]) -> int:
    """1 when a target was missed, else 0."""
    return int(any(row["met"] is False for row in rows))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], metavar="NAME")
    parser.add_argument("--json", type=Path, help="save the figures here and nowhere else")
    parser.add_argument("--quick", action="store_true", help="ten times smaller, nothing saved")
    parser.add_argument("--folder", help="where the databases go: a real disk, 12 GB free")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
