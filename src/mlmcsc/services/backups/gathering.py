"""Which files belong into a backup, besides the database: those of versions, archives, images."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mlmcsc.adapters.frozen_files import sha256_of
from mlmcsc.domain.archives import REVISIONS, TIMES, check_path
from mlmcsc.domain.backups.reports import Fault
from mlmcsc.domain.versions.layers import read_layers
from mlmcsc.errors import IntegrityError
from mlmcsc.store.queries import archives as archive_queries
from mlmcsc.store.queries import backups as queries
from mlmcsc.store.uow import Store

_VERSION_FILES: Final = {
    "rows": re.compile(r"([0-9a-f]{64})\.parquet"),
    "manifests": re.compile(r"\d{1,18}-[0-9a-f]{16}\.json"),
    "replaced": re.compile(r"[0-9a-f]{64}\.json"),
}
"""What is needed to read every version. Drafts, locks and the folder's owner are not: a restored
database claims its folder itself."""

_ARCHIVED: Final = {*TIMES, REVISIONS}
_ENDINGS: Final = {"jpeg": ".jpg", "tiff": ".tif"}
_FORMAT: Final = re.compile(r"[a-z0-9]{1,8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Source:
    """A file that sets may share.

    Attributes:
        name: In the set.
        path: Where it lies now.
        sha256: SHA-256 (hex) that its bytes must have.
        n_bytes: Its size, as far as it is known without looking.
    """

    name: str
    path: Path
    sha256: str
    n_bytes: int | None


@dataclass(frozen=True, slots=True)
class Roots:
    """The folders of a database; None where it has none."""

    versions: Path | None
    archives: Path | None


@dataclass(frozen=True, slots=True)
class Gathered:
    """What goes in, by name, and what cannot."""

    sources: dict[str, Source]
    left_out: list[Fault]


def gather(db: Store, roots: Roots, *, with_images: bool) -> Gathered:
    """All that is there now; nothing is hashed of which the hash is known."""
    found = Gathered({}, [])
    for source in _versions(db, roots, found.left_out):
        found.sources[source.name] = source
    for source in _archives(db, roots):
        found.sources[source.name] = source
    if with_images:
        for source in _images(db, found.left_out):
            found.sources.setdefault(source.name, source)
    return found


def _versions(db: Store, roots: Roots, left_out: list[Fault]) -> Iterator[Source]:
    with db.read() as view:
        wanted = queries.frozen_versions(view)
    if roots.versions is None:
        return
    there = set()
    for part, pattern in _VERSION_FILES.items():
        folder = roots.versions / part
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if not (found := pattern.fullmatch(path.name)):
                continue
            there.add(path.name)
            try:
                sha256 = found[1] if part == "rows" else sha256_of(str(path))[0]
                n_bytes = path.stat().st_size
            except OSError as error:
                left_out.append(_gone(f"versions/{part}/{path.name}", path, error))
                continue
            yield Source(f"versions/{part}/{path.name}", path, sha256, n_bytes)
    for name in _rows_missing(wanted, there):
        problem = f"is missing in {roots.versions}; `version verify` tells whose rows it holds"
        left_out.append(Fault(f"versions/rows/{name}", problem))


def _rows_missing(wanted: list[queries.VersionFiles], there: set[str]) -> list[str]:
    """Files of rows that versions need and that neither are there nor were replaced by others."""
    missing = set()
    for version in wanted:
        try:
            layers = read_layers(version.layers)
        except IntegrityError:
            continue  # the row itself is damaged, and goes into the backup as it is
        for layer in layers:
            if f"{layer.sha256}.parquet" not in there and f"{layer.sha256}.json" not in there:
                missing.add(f"{layer.sha256}.parquet")
    return sorted(missing)


def _archives(db: Store, roots: Roots) -> Iterator[Source]:
    with db.read() as view:
        out = [each for each in archive_queries.every(view) if each.restored_at is None]
    if roots.archives is None:
        return
    for archive in out:
        folder = f"archives/{check_path(archive.path)}"
        place = roots.archives / archive.path
        yield Source(f"{folder}/manifest.json", place / "manifest.json", archive.sha256, None)
        for file in archive.manifest["files"]:
            if file["table"] not in _ARCHIVED:
                raise IntegrityError(
                    f"archives.manifest of {archive.name!r} names the table {file['table']!r}, "
                    "which mlmcsc never archives: it was changed past mlmcsc. Restore a backup."
                )
            name = f"{file['table']}.parquet"
            yield Source(f"{folder}/{name}", place / name, file["sha256"], int(file["n_bytes"]))


def _images(db: Store, left_out: list[Fault]) -> Iterator[Source]:
    with db.read() as view:
        for page in queries.image_files(view):
            for row in page:
                image = queries.StoredImage(*row)
                source = _image(image, left_out)
                if source is not None:
                    yield source


def _image(image: queries.StoredImage, left_out: list[Fault]) -> Source | None:
    path = Path(image.path)
    sha256, n_bytes = image.content_hash, image.file_size
    if sha256 is None or image.hash_algorithm != "sha256":  # as the original system left them
        try:
            sha256, n_bytes = sha256_of(image.path)
        except OSError as error:
            left_out.append(_gone(image.path, path, error))
            return None
    suffix = _ENDINGS.get(image.format or "", f".{image.format}")
    if not _FORMAT.fullmatch(suffix[1:]):
        suffix = ".bin"
    return Source(f"images/{sha256[:2]}/{sha256}{suffix}", path, sha256, n_bytes)


def _gone(name: str, path: Path, error: OSError) -> Fault:
    return Fault(name, f"{path}: {error.strerror or os.strerror(error.errno or 0)}")
