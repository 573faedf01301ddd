"""The rows of a version, read chunk by chunk from one snapshot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlmcsc.adapters.versions import ROWS
from mlmcsc.adapters.versions.building import batch_of
from mlmcsc.domain.progress import Progress
from mlmcsc.domain.selection import Selection, Votes
from mlmcsc.errors import IntegrityError
from mlmcsc.store.queries import freezing
from mlmcsc.store.queries.image_facts import image_facts
from mlmcsc.store.queries.rows import View

Ids = NDArray[np.int64]


@dataclass(slots=True)
class Quality:
    """Mean quality score of the images that have one, summed as they pass."""

    total: float = 0.0
    count: int = 0

    def add(self, total: float, count: int) -> None:
        """Take more scores in: their sum, and how many."""
        self.total += total
        self.count += count

    @property
    def mean(self) -> float | None:
        """0 to 1; None where no image has a score."""
        return self.total / self.count if self.count else None


def gather(view: View, selection: Selection, quality: Quality, progress: Progress) -> Iterator[Any]:
    """Batches of `row_schema`, ascending by image id, without salts.

    Args:
        view: The snapshot.
        selection: The images, with their votes.
        quality: Takes the quality scores in.
        progress: Told how far it has come.
    """
    votes = selection.votes
    if votes is None:
        raise IntegrityError("A version needs the labels that its values were made of.")
    annotated = freezing.annotated_labels(view)
    boxed, latest = freezing.boxed_predictions(view)
    total = len(selection.images)
    for start in range(0, total, ROWS):
        progress("reading images", start, total)
        part = slice(start, start + ROWS)
        ids = selection.images[part]
        facts = image_facts(view, ids)
        quality.add(facts.quality_sum, facts.quality_count)
        offsets = votes.offsets[start : start + len(ids) + 1]
        labels = slice(int(offsets[0]), int(offsets[-1]))
        columns = {
            "image_id": ids,
            "content_hash": _hashes(facts.hashes),
            "path": facts.paths,
            "specimen_id": facts.specimens,
            "width": facts.widths,
            "height": facts.heights,
            "label": selection.values[part],
            "split": selection.splits[part],
            "label_ids": votes.label_ids[labels],
            "technician_ids": votes.technician_ids[labels],
            "annotation": _annotations(view, votes, offsets, annotated),
            "detection": _detections(view, ids, boxed, latest),
        }
        yield batch_of(columns, offsets)
    progress("reading images", total, total)


def _hashes(texts: Sequence[str | None]) -> list[bytes | None]:
    try:
        return [None if text is None else bytes.fromhex(text) for text in texts]
    except ValueError:
        raise IntegrityError(
            "images.content_hash of some image is not hexadecimal: it was changed past mlmcsc. "
            "Run `database validate`."
        ) from None


def _annotations(view: View, votes: Votes, offsets: Ids, annotated: Ids) -> list[str | None]:
    """The annotation of the last label of each image."""
    last = votes.label_ids[offsets[1:] - 1]
    found = freezing.annotation_texts(view, last[_among(last, annotated)])
    return _each(last, found)


def _detections(view: View, ids: Ids, boxed: Ids, latest: Ids) -> list[str | None]:
    near = slice(*np.searchsorted(boxed, [ids[0], ids[-1] + 1]))
    found = freezing.detections(view, latest[near][_among(boxed[near], ids)])
    return _each(ids, found)


def _among(values: Ids, ascending: Ids) -> NDArray[np.bool_]:
    """Which values are there; `np.isin` would hash the many others for each chunk anew."""
    at = np.searchsorted(ascending, values)
    there = at < len(ascending)
    there[there] = ascending[at[there]] == values[there]
    return there


def _each(ids: Ids, found: Mapping[int, str]) -> list[str | None]:
    return [found.get(i) for i in ids.tolist()] if found else [None] * len(ids)
