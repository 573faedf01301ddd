"""Images of a dataset through the ordinary ingest, from their folder or out of tars."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlmcsc.adapters.dataset_readers import unpack
from mlmcsc.domain.foreign_datasets import Packed
from mlmcsc.domain.progress import Tally
from mlmcsc.domain.results import IngestReport, Rejection
from mlmcsc.services.dataset_imports.doors import Doors
from mlmcsc.services.dataset_imports.planning import Planned

BATCH = 512
"""Images unpacked at a time: as many as one transaction of an ingest stores."""


@dataclass(slots=True)
class Brought:
    """What became of the images.

    Attributes:
        ids: Image id by place in the plan.
        stored: Images that were new.
        rejected: Those that cannot be stored, and why.
    """

    ids: dict[int, int] = field(default_factory=dict)
    stored: int = 0
    rejected: list[Rejection] = field(default_factory=list)


def bring(
    doors: Doors,
    planned: Sequence[Planned],
    forget: Callable[[list[str]], None],
    progress: Tally | None,
) -> Brought:
    """Ingest every image of the plan, each specimen's together, so that splits know them.

    Images in tars become managed copies; others stay where they are. `forget` is given the paths
    at which the former lay for a moment.
    """
    groups: defaultdict[tuple[bool, str | None], list[int]] = defaultdict(list)
    for at, each in enumerate(planned):
        groups[isinstance(each.row.image, Packed), each.specimen].append(at)
    brought = Brought()
    for (packed, specimen), members in groups.items():
        rest = iter(members)
        while batch := list(islice(rest, BATCH if packed else len(members))):
            with _files(planned, batch) as paths:
                told: dict[str, Any] = {} if specimen is None else {"specimen_id": specimen}
                if packed:
                    told["storage"] = "managed"
                told["progress"] = _from(progress, len(brought.ids), len(planned))
                _note(brought, planned, paths, doors.ingest(list(paths), **told))
            if packed:
                forget(list(paths))
    return brought


def _from(progress: Tally | None, before: int, total: int) -> Tally | None:
    """The progress of one ingest as part of the whole."""
    return progress and (lambda done, _: progress(before + done, total))


@contextmanager
def _files(planned: Sequence[Planned], batch: Sequence[int]) -> Iterator[dict[str, list[int]]]:
    """Where the images are, with their places in the plan; unpacked for the time of the block."""
    paths: dict[str, list[int]] = {}
    with TemporaryDirectory(prefix="mlmcsc-dataset-") as folder:
        for at in batch:
            image = planned[at].row.image
            path = unpack(image, Path(folder), at) if isinstance(image, Packed) else image
            paths.setdefault(path, []).append(at)
        yield paths


def _note(
    brought: Brought, planned: Sequence[Planned], paths: dict[str, list[int]], report: IngestReport
) -> None:
    failed = {error.where: error.reason for error in report.errors}
    brought.stored += report.stored
    ids = iter(report.image_ids)
    for path, places in paths.items():
        if path in failed:
            brought.rejected += [
                Rejection(planned[at].row.where, failed[path].removeprefix(f"{path}: "))
                for at in places
            ]
        else:
            brought.ids.update(dict.fromkeys(places, next(ids)))
