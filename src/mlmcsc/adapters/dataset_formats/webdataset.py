"""WebDataset: tar shards in which an image and its facts stand side by side."""

from __future__ import annotations

import io
import tarfile
from typing import Any

import orjson

from mlmcsc.adapters.dataset_formats.croissant_document import write_croissant
from mlmcsc.adapters.dataset_formats.folder import ExportFolder
from mlmcsc.adapters.dataset_formats.samples import Dataset, Sample
from mlmcsc.adapters.dataset_formats.writer import Writer, facts

BLOCK = tarfile.BLOCKSIZE


class WebDataset(Writer):
    """`SPLIT-000000.tar` …, each with `KEY.tif` and `KEY.json` for every image.

    The same version gives the same bytes (codes for people are new each time): members come by
    image id, are regular files, and bear no time and no owner.
    """

    def __init__(self, folder: ExportFolder, dataset: Dataset) -> None:
        super().__init__(folder, dataset)
        self._shards: dict[str, _Shards] = {}

    def add(self, sample: Sample) -> None:
        """Write one; see `Writer.add`."""
        image = self.folder.image_bytes(sample)
        record = facts(sample, sample.filename, people=self.dataset.with_people)
        told = orjson.dumps(record, option=orjson.OPT_SORT_KEYS)
        if sample.split not in self._shards:
            made = _Shards(self.folder, sample.split, self.dataset.shard_bytes)
            self._shards[sample.split] = made
            self.open.callback(made.close)
        members = {sample.filename: image, f"{sample.key}.json": told}
        self._shards[sample.split].add(members)

    def finish(self) -> None:
        """Close the last shards and list all."""
        self.open.close()
        for shards in self._shards.values():
            for name in shards.names:
                self.folder.finished(name)
        write_croissant(self.folder, self.dataset, [])


class _Shards:
    """The shards of one split."""

    def __init__(self, folder: ExportFolder, split: str, most: int) -> None:
        self._folder, self._split, self._most = folder, split, most
        self._tar: Any = None
        self.names: list[str] = []

    def add(self, members: dict[str, bytes]) -> None:
        """Pack what belongs together into one shard."""
        size = sum(BLOCK + -(-len(raw) // BLOCK) * BLOCK for raw in members.values())
        if self._tar is not None and self._tar.offset + size > self._most:
            self.close()
        if self._tar is None:
            self.names.append(f"{self._split}-{len(self.names):06d}.tar")
            path = self._folder.place(self.names[-1])
            self._tar = tarfile.open(path, "w", format=tarfile.PAX_FORMAT)  # noqa: SIM115  # see close
        for name, raw in members.items():
            member = tarfile.TarInfo(name)  # a regular file of nobody's, of no time
            member.size = len(raw)
            self._tar.addfile(member, io.BytesIO(raw))

    def close(self) -> None:
        """End the shard."""
        if self._tar is not None:
            self._tar.close()
            self._tar = None
