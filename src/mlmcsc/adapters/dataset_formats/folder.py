"""The folder of an export in the making: its files, and the hash of each."""

from __future__ import annotations

import hashlib
import heapq
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Self

from mlmcsc.adapters.dataset_formats.samples import Sample
from mlmcsc.adapters.frozen_files import place_image, read_image
from mlmcsc.adapters.tabular import file_sha256
from mlmcsc.domain.versions.exports import SUMS, ImageMode

Listed = tuple[str, str]
"""Path below the folder, with `/`; and SHA-256 (hex)."""


class ExportFolder:
    """Takes images and files, and lists them in `SHA256SUMS`; memory does not grow with them.

    Args:
        root: The folder, empty.
        mode: What becomes of images.
    """

    def __init__(self, root: Path, mode: ImageMode) -> None:
        self.root, self.mode = root, mode
        self.n_bytes = 0
        self.suffixes: set[str] = set()
        self.own: list[Listed] = []
        self._spools: dict[str, IO[str]] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def place(self, relative: str) -> Path:
        """Where a file of the format's own goes; tell it with `finished`."""
        path = self.root / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def finished(self, relative: str) -> None:
        """A file of the format's own is written."""
        path = self.root / relative
        with path.open("rb+") as data:
            os.fsync(data.fileno())
        self.own.append((relative, file_sha256(path)))
        self.n_bytes += path.stat().st_size

    def write(self, relative: str, raw: bytes) -> None:
        """A small file of the format's own."""
        self.place(relative).write_bytes(raw)
        self.finished(relative)

    def write_beside(self, relative: str, raw: bytes) -> None:
        """A small file that every image has; those of a folder must come in ascending order."""
        self.place(relative).write_bytes(raw)
        self._list(relative, hashlib.sha256(raw).hexdigest(), len(raw))

    def image(self, sample: Sample, relative: str) -> str | None:
        """Put an image in place; those of a folder must come in ascending order.

        Returns:
            `relative`; where images stay, their absolute path; where they are not told of, None.

        Raises:
            ImageFileError: The file is not there, or not what was frozen.
        """
        if self.mode == "none":
            return None
        if self.mode == "path":
            return sample.sources[0]
        target = self.place(relative)
        sha256, size = place_image(sample.sources, target, sample.content_hash, self.mode)
        self.suffixes.add(sample.suffix)
        self._list(relative, sha256, size)
        return relative

    def image_bytes(self, sample: Sample) -> bytes:
        """An image's file, to be packed.

        Raises:
            ImageFileError: The file is not there, or not what was frozen.
        """
        return read_image(sample.sources, sample.content_hash)

    def _list(self, relative: str, sha256: str, size: int) -> None:
        folder = relative.rpartition("/")[0]
        if folder not in self._spools:
            spool = TemporaryFile("w+", encoding="utf-8", dir=self.root)  # noqa: SIM115  # __exit__
            self._spools[folder] = self._open.enter_context(spool)
        self._spools[folder].write(f"{relative}\0{sha256}\n")
        self.n_bytes += size

    def write_sums(self) -> str:
        """Write `SHA256SUMS`, sorted by path, and return its own SHA-256 (hex)."""
        digest = hashlib.sha256()
        with (self.root / SUMS).open("wb") as out:
            for relative, sha256 in heapq.merge(
                sorted(self.own), *map(_listed, self._spools.values())
            ):
                line = f"{sha256}  {relative}\n".encode()
                digest.update(line)
                out.write(line)
            out.flush()
            os.fsync(out.fileno())
        return digest.hexdigest()


def _listed(spool: IO[str]) -> Iterator[Listed]:
    spool.seek(0)
    for line in spool:
        relative, _, sha256 = line.rstrip("\n").partition("\0")
        yield relative, sha256
