"""The figures as a JSON file, as a table on the screen and as docs/benchmarks.md."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

VERDICT = {True: "met", False: "**missed**", None: "information"}


def merge(path: Path, document: dict[str, Any]) -> dict[str, Any]:
    """The document with the rows of benchmarks that were not run now, from the file before."""
    if not path.exists():
        return document
    before = json.loads(path.read_text("utf-8"))
    now = {row["name"] for row in document["rows"]}
    if before["quick"] != document["quick"]:
        return document
    kept = [row for row in before["rows"] if row["name"] not in now]
    return document | {"rows": kept + document["rows"]}


def write_json(path: Path, document: dict[str, Any]) -> None:
    """The whole run, with every round's ratio."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")


def lines(rows: Sequence[dict[str, Any]]) -> list[list[str]]:
    """The table's cells, one list per row."""
    return [
        [
            row["what"],
            f"{_number(row['product'])} {row['unit']}",
            "" if row["baseline"] is None else f"{_number(row['baseline'])} ({row['against']})",
            "" if row["ratio"] is None else f"{_number(row['ratio'])}{_spread(row['rounds'])}",
            row["target"],
            VERDICT[row["met"]],
            str(row.get("load_before", "")),
        ]
        for row in rows
    ]


HEAD = [
    "measured",
    "mlmcsc",
    "baseline",
    "ratio (lowest to highest round)",
    "target",
    "verdict",
    "load",
]


def markdown(document: dict[str, Any], order: Sequence[str]) -> str:
    """The page for docs/."""
    rows = sorted(document["rows"], key=lambda row: order.index(row["name"]))
    machine = "\n".join(f"| {key} | {value} |" for key, value in document["machine"].items())
    body = "\n".join("| " + " | ".join(cells) + " |" for cells in lines(rows))
    dates = sorted({row["measured_at"][:10] for row in rows})
    return f"""# Benchmarks

Written by `python -m benchmarks` (`make bench`) from `benchmarks/results/latest.json`; not by hand.
Baseline and product take turns in one run on one machine; ratios are medians over the rounds.
Measured {" and ".join(dates)}; load is the machine's (1 min) before each began.

| {" | ".join(HEAD)} |
|{"---|" * len(HEAD)}
{body}

| machine | |
|---|---|
{machine}
"""


def screen(rows: Sequence[dict[str, Any]]) -> str:
    """The table for a terminal."""
    return "\n".join(
        f"{verdict.strip('*'):12} {what}\n{'':12} {product}"
        + (f"; baseline {baseline}" if baseline else "")
        + (f"; ratio {ratio}" if ratio else "")
        + (f"; target {target}" if target else "")
        for what, product, baseline, ratio, target, verdict, _ in lines(rows)
    )


def _number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _spread(rounds: Sequence[float]) -> str:
    return f" ({_number(min(rounds))} to {_number(max(rounds))})" if len(rounds) > 1 else ""
