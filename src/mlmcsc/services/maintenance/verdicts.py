"""What the state of a file means for the table that names it, as findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mlmcsc.domain.results import Finding
from mlmcsc.services.maintenance.files import Depth, Seen, State

SHOWN = 100


@dataclass(slots=True)
class _Tally:
    """Files in one state."""

    count: int = 0
    ids: list[int] = field(default_factory=list)
    example: str = ""

    def add(self, seen: Seen) -> None:
        now = f", now {seen.now_at.path}" if seen.now_at is not None else ""
        self.example = self.example or f"{seen.row.path}{now}"
        self.count += 1
        if len(self.ids) < SHOWN:
            self.ids.append(seen.row.id)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a state of a file means for the table that names it."""

    check: str
    message: str
    repair: str | None = None


COMPARE_FIRST = "compare the content and, where it is the same, store the new time"
UNREADABLE = Verdict(
    "file_unreadable",
    "The file cannot be read: no permission, a failing disk, or no regular file. Check the disk "
    "and the access rights.",
)
TOUCHED = Verdict(
    "file_touched",
    "The file's time has changed since it was stored, its size has not. validate --hash tells "
    "whether its content has.",
    COMPARE_FIRST,
)
TOUCHED_ONLY = Verdict(
    "file_touched",
    "The file's time has changed since it was stored; its content was read and has not.",
    "store the new time",
)
OF_IMAGES: Mapping[State, Verdict] = {
    State.MISSING: Verdict(
        "file_missing",
        "The image file is gone. Put it back where it was (`mlmcsc images show ID` tells what is "
        "known of it); if it was moved, store it from where it is now with `mlmcsc images ingest` "
        "and validate again: its content is recognised.",
    ),
    State.MOVED: Verdict(
        "file_moved",
        "The image file is gone, but the same content was stored from another path too, and a file "
        "is there.",
        "compare the content of that file and, where it is the same, make its path the image's; "
        "the old path stays known as a further one",
    ),
    State.UNREADABLE: UNREADABLE,
    State.CHANGED: Verdict(
        "file_changed",
        "The file is not the one that was stored, so labels and predictions may belong to another "
        "picture. Put the old file back, or store the new one under a new path with `mlmcsc "
        "images ingest`.",
    ),
    State.TOUCHED: TOUCHED,
    State.UNREAD: Verdict(
        "file_unread",
        "The image was stored without reading its file: no content hash, so a change or a "
        "duplicate cannot be noticed.",
        "read the file and fill in hash, size and format where they are missing",
    ),
}
STALE = Verdict(
    "stale_alias",
    "The content was seen at this path once, but is there no longer.",
    "forget the path",
)
OF_ALIASES: Mapping[State, Verdict] = {
    State.MISSING: STALE,
    State.UNREADABLE: UNREADABLE,
    State.CHANGED: STALE,
    State.TOUCHED: TOUCHED,
}


def file_findings(
    seen: Iterable[Seen], table: str, verdicts: Mapping[State, Verdict], depth: Depth
) -> list[Finding]:
    """One finding per verdict, naming the first path."""
    tallies: dict[Verdict, _Tally] = {}
    for one in seen:
        verdict = verdicts.get(one.state)
        if verdict is TOUCHED and depth is Depth.CONTENT:
            verdict = TOUCHED_ONLY
        if verdict is not None:
            tallies.setdefault(verdict, _Tally()).add(one)
    return [
        Finding(
            verdict.check,
            table,
            tuple(tally.ids),
            tally.count,
            f"{verdict.message} E.g. {tally.example}",
            verdict.repair,
        )
        for verdict, tally in sorted(tallies.items(), key=lambda item: item[0].check)
    ]
