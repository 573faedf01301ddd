"""Whether the image files are where the database says."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mlmcsc.domain.progress import Progress
from mlmcsc.domain.quality.accuracy import upper_bound
from mlmcsc.domain.quality.report import SHOWN, Files
from mlmcsc.store.models import IMAGES_PER_CHUNK
from mlmcsc.store.queries.quality import cases
from mlmcsc.store.uow import Snapshot

SAMPLE: Final = 20_000
"""Files looked for; up to so many images, all are."""
EVERY: Final = 5_000
ROUNDS: Final = 50
"""Draws after which a sample of very scattered ids is taken as large as it came out."""

Paths = list[tuple[int, str]]


def choose(view: Snapshot, counts: Mapping[int, int], seed: int, *, every: bool) -> Paths:
    """Ids and paths of the images whose files are to be looked for.

    Args:
        view: An open transaction.
        counts: Images by chunk.
        seed: Of the random sample.
        every: All, however many there are.
    """
    if every or sum(counts.values()) <= SAMPLE:
        return cases.image_files(view, None)
    return _sample(view, counts, seed)


def _sample(view: Snapshot, counts: Mapping[int, int], seed: int) -> Paths:
    """A simple random sample: random numbers in the chunks, of which those that are ids count."""
    draws = np.random.default_rng(seed)
    chunks = np.array([chunk for chunk, count in counts.items() if count], dtype=np.int64)
    density = sum(counts.values()) / (len(chunks) * IMAGES_PER_CHUNK)
    found: dict[int, str] = {}
    for _ in range(ROUNDS):
        wanted = int((SAMPLE - len(found)) / density * 1.05) + 10
        drawn = draws.choice(chunks, wanted) * IMAGES_PER_CHUNK
        ids: NDArray[np.int64] = drawn + draws.integers(0, IMAGES_PER_CHUNK, wanted)
        there = dict(cases.image_files(view, np.unique(ids)))
        for image_id in ids.tolist():  # in the order of the draw: the lowest are not preferred
            if image_id in there and len(found) < SAMPLE:
                found.setdefault(image_id, there[image_id])
        if len(found) == SAMPLE:
            break
    return sorted(found.items())


def look(paths: Paths, images: int, seed: int, progress: Progress) -> Files:
    """Look for files; no file is read."""
    missing, unusable = [], []
    for done, (image_id, path) in enumerate(paths):
        if not done % EVERY:
            progress("image files looked for", done, len(paths))
        found = _found(path)
        if found is None:
            missing.append(image_id)
        elif not (stat.S_ISREG(found.st_mode) and found.st_size):
            unusable.append(image_id)
    tried, gone = len(paths), len(missing)
    share = gone / tried if tried else None
    sampled = tried < images
    upper = upper_bound(gone, tried) if sampled and tried else share
    drawn = seed if sampled else None
    first, poor = tuple(missing[:SHOWN]), tuple(unusable[:SHOWN])
    return Files(images, tried, gone, share, upper, drawn, first, len(unusable), poor)


def _found(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)  # ten times as fast as a Path, a million times
    except (OSError, ValueError):  # not there, or a name that no file system can hold
        return None
