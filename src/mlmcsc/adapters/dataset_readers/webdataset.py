"""WebDataset: tar files, in which files that share a name up to its first dot are one sample.

Format: https://github.com/webdataset/webdataset. Only headers and JSON are read here; images stay
where they are until `unpack` takes them. A member that is no regular file, has no proper name, or
is too large makes the whole tar refused: such a tar was not made to be trained on.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Final

import orjson

from mlmcsc.adapters.dataset_readers.huggingface import boxes_of, placed
from mlmcsc.adapters.dataset_readers.places import inside, parts_of, split_in
from mlmcsc.adapters.images import supported_suffixes
from mlmcsc.domain.foreign_datasets import ForeignDataset, ForeignRow, Packed
from mlmcsc.domain.results import Rejection
from mlmcsc.domain.versions.boxes import Box
from mlmcsc.errors import ValidationError

MOST_JSON: Final = 16_000_000
MOST_IMAGE: Final = 4_000_000_000
"""Bytes of a member."""
_PACKED = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")
_BOXES = ("objects", "boxes")


def fits(folder: Path) -> bool:
    """Whether there are tar files."""
    return bool(_shards(folder))


def _shards(folder: Path) -> list[Path]:
    if folder.is_file():
        return [folder] if folder.suffix.lower() == ".tar" else []
    return sorted([*folder.glob("*.tar"), *folder.glob("*/*.tar")])


def read(folder: Path) -> ForeignDataset:
    """Every sample of every tar.

    Raises:
        ValidationError: There is no tar, or one is damaged or hostile.
    """
    shards = _shards(folder)
    if not shards:
        packed = [path.name for path in folder.glob("*") if path.name.endswith(_PACKED)]
        repair = f" Unpack {packed[0]} to a plain .tar first." if packed else ""
        raise ValidationError(f"{folder}: there are no .tar files.{repair}")
    root = folder if folder.is_dir() else folder.parent
    found = ForeignDataset()
    for shard in shards:
        inside(root, shard)
        relative = shard.relative_to(root).as_posix()
        for key, members in _samples(shard):
            where = f"{relative}: {key}"
            try:
                found.rows.append(_row(where, split_in(relative), members))
            except ValidationError as error:
                found.problems.append(Rejection(where, str(error)))
    return found


Members = dict[str, Any]
"""By suffix: the image as `Packed`, JSON as bytes."""


def _samples(shard: Path) -> Iterator[tuple[str, Members]]:
    """Samples in the order of the tar; the files of one stand side by side."""
    key, members, done = "", Members(), set[str]()
    changed_at = shard.stat().st_mtime_ns
    for tar, member in _files(shard):
        path = _checked(shard, member)
        stem, _, suffix = path.name.partition(".")
        now = str(path.with_name(stem))
        if now != key:
            if members:
                yield key, members
            if now in done:
                raise ValidationError(f"{shard}: the files of {now} are not side by side.")
            done.add(now)
            key, members = now, Members()
        _take(tar, shard, member, f".{suffix.lower()}", members, changed_at)
    if members:
        yield key, members


def _files(shard: Path) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    """The members of a tar that are no folders."""
    with _told_plainly(shard), tarfile.open(shard, "r:") as tar:
        for member in tar:
            if not member.isdir():
                yield tar, member


@contextmanager
def _told_plainly(shard: Path) -> Iterator[None]:
    """Every way in which `tarfile` fails: headers that lie get past its own errors."""
    try:
        yield
    except (tarfile.TarError, EOFError, OSError, ValueError, ArithmeticError) as error:
        raise ValidationError(f"{shard}: is no plain tar, or is cut off ({error}).") from None
    except (MemoryError, RecursionError):
        raise ValidationError(f"{shard}: has headers without end. Make the tar anew.") from None


def _checked(shard: Path, member: tarfile.TarInfo) -> PurePosixPath:
    if not member.isreg() or member.issparse():
        raise ValidationError(
            f"{shard}: {member.name[:80]!r} is a link, device or sparse file. Only regular files "
            "are read; make the tar anew without it."
        )
    if member.size < 0:  # would lead back to itself
        raise ValidationError(f"{shard}: {member.name[:80]!r} has a size below 0.")
    try:
        path = PurePosixPath(*parts_of(member.name))
    except ValidationError as error:
        raise ValidationError(f"{shard}: {error}") from None
    if path.name.startswith("."):  # what stands before the first dot names the sample
        raise ValidationError(f"{shard}: {member.name[:80]!r} has no name before its first dot.")
    return path


def _take(
    tar: tarfile.TarFile,
    shard: Path,
    member: tarfile.TarInfo,
    suffix: str,
    members: Members,
    changed_at: int,
) -> None:
    is_image = suffix in supported_suffixes()
    if not is_image and suffix != ".json":
        members.setdefault(suffix, None)
        return
    limit = MOST_IMAGE if is_image else MOST_JSON
    if member.size > limit:
        raise ValidationError(
            f"{shard}: {member.name!r} has {member.size:,} bytes; at most {limit:,} are read."
        )
    if suffix in members:
        raise ValidationError(f"{shard}: {member.name!r} is there twice.")
    if is_image:
        name = PurePosixPath(member.name).name
        members[suffix] = Packed(
            str(shard.absolute()), name, member.offset_data, member.size, changed_at
        )
    else:
        with _told_plainly(shard):
            data = tar.extractfile(member)
            members[suffix] = b"" if data is None else data.read()


def _row(where: str, split: str | None, members: Members) -> ForeignRow:
    images = [each for each in members.values() if isinstance(each, Packed)]
    if len(images) != 1:
        raise ValidationError(f"has {len(images)} images; a sample has one.")
    raw = members.get(".json")
    if raw is None:
        raise ValidationError("has no .json, which would tell its values.")
    try:
        values = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ValidationError(f".json is no JSON: {error}.") from None
    if not isinstance(values, dict):
        raise ValidationError(".json is no object.")
    named = values.get("split")
    plain = {name: value for name, value in values.items() if name not in _BOXES}
    boxes = _boxes(images[0], values)
    return ForeignRow(where, images[0], named if isinstance(named, str) else split, plain, boxes)


def _boxes(image: Packed, values: dict[str, Any]) -> tuple[Box, ...] | None:
    if isinstance(values.get("boxes"), list):
        regions = values["boxes"]
        if not all(isinstance(each, dict) for each in regions):
            raise ValidationError("boxes: is no list of objects.")
        return placed(image, regions, values)
    return boxes_of(image, values)
