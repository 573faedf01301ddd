"""Every row of a version read again, and its leaf computed again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mlmcsc.adapters.versions import VersionFolder, leaves
from mlmcsc.domain.audit.merkle import GrowingTree
from mlmcsc.domain.progress import Progress
from mlmcsc.domain.splits import Split
from mlmcsc.domain.versions.checks import Findings, VersionFinding
from mlmcsc.domain.versions.layers import Layer
from mlmcsc.domain.versions.rows import State
from mlmcsc.errors import MlmcscError

BARS: Final = 10
"""Bars of the histogram in `data_versions.label_distribution`, over the label range."""


@dataclass
class RowFacts:
    """What a version's rows add up to.

    Attributes:
        edges: Of the bars, shape (11,).
        ids: Image ids, ascending, a part for each batch.
        redacted: Rows that say nothing any more.
        labels: Labels that decided the others.
        bars: For each split how many labels are in each bar.
        tree: The Merkle tree of the leaves.
    """

    edges: NDArray[np.float64]
    ids: list[NDArray[np.int64]] = field(default_factory=list)
    redacted: int = 0
    labels: int = 0
    bars: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    tree: GrowingTree = field(default_factory=GrowingTree)

    @property
    def images(self) -> NDArray[np.int64]:
        """Ids of all images, ascending."""
        return np.concatenate([np.empty(0, np.int64), *self.ids])


def read_rows(
    folder: VersionFolder,
    layers: Sequence[Layer],
    label_range: tuple[float, float],
    findings: Findings,
    tell: Progress,
) -> RowFacts | None:
    """Read all rows; None where they cannot be read to the end."""
    facts = RowFacts(np.linspace(*label_range, BARS + 1))
    facts.bars = {split.name.lower(): np.zeros(BARS, np.int64) for split in Split}
    expected = sum(layer.n_rows for layer in layers)
    try:
        for batch in folder.rows(layers):
            if batch.num_rows:
                findings.take(_disorder(facts, batch))
                computed = leaves(batch)
                findings.take(_changed(batch, computed))
                facts.tree.extend(computed)
                _count(facts, batch)
                tell("rows", facts.tree.size, max(expected, facts.tree.size))
    except Exception as error:  # noqa: BLE001  # whatever a forged file does to its reader
        what = f"Rows cannot be read beyond the first {facts.tree.size:,}: {what_of(error)}"
        findings.take([VersionFinding("row", what, str(folder.place(layers[0].sha256)))])
        return None
    return facts


def what_of(error: Exception) -> str:
    """What an error says is wrong, without the repair, which a finding has beside it."""
    if not isinstance(error, MlmcscError):
        return type(error).__name__
    return str(error).partition(" Restore ")[0]


def _disorder(facts: RowFacts, batch: Any) -> Iterator[VersionFinding]:
    ids = batch.column("image_id").to_numpy()
    last = facts.ids[-1][-1] if facts.ids else 0
    if ids[0] <= last or (ids[1:] <= ids[:-1]).any():
        yield VersionFinding("row", "Rows are not in the order of their image ids.", "rows")


def _changed(batch: Any, computed: list[bytes]) -> Iterator[VersionFinding]:
    """Rows whose stored leaf, where there is one, is another than that computed."""
    import pyarrow as pa  # noqa: PLC0415  # heavy: loads only for versions
    import pyarrow.compute as pc  # noqa: PLC0415

    stored = batch.column("leaf")
    differs = pc.fill_null(pc.not_equal(pa.array(computed, pa.binary()), stored), False)  # noqa: FBT003  # Arrow's signature
    for image_id in batch.column("image_id").filter(differs).to_pylist():
        what = "The row is not what its leaf was made of: it was changed."
        yield VersionFinding("row", what, "rows", image_id)


def _count(facts: RowFacts, batch: Any) -> None:
    facts.ids.append(np.array(batch.column("image_id").to_numpy()))
    facts.redacted += int((batch.column("state").to_numpy() == State.REDACTED).sum())
    offsets = batch.column("label_ids").offsets.to_numpy()
    facts.labels += int(offsets[-1] - offsets[0])
    values = batch.column("label").to_numpy(zero_copy_only=False)
    parts = batch.column("split").to_numpy(zero_copy_only=False)
    for split in Split:
        of_split = values[(parts == split) & ~np.isnan(values)]
        facts.bars[split.name.lower()] += np.histogram(of_split, facts.edges)[0]
