"""A folder with a version's data: it appears whole, and knows itself again."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from mlmcsc.adapters.precious_files import refuse_managed
from mlmcsc.errors import ConflictError, MlmcscError, ValidationError

FORMAT: Final = "mlmcsc-checkout-1"
MARKER: Final = ".mlmcsc-checkout.json"
FILES: Final = frozenset({MARKER, "labels.csv", "labels.parquet", "manifest.json", "missing.csv"})
IMAGES: Final = re.compile(r"images(/[a-z]+(/\d+_[^/]*)?)?")
LONGEST_NAME: Final = 200
"""Bytes of a file name that are taken over; file systems allow 255, the id comes in front."""

_UNFIT = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')


@dataclass(frozen=True, slots=True)
class CheckoutDraft:
    """A checkout in the making.

    Attributes:
        path: Where to write.
        target: Where it will be.
        earlier: Image files of an earlier checkout there, by name.
    """

    path: Path
    target: Path
    earlier: Mapping[str, Path]

    def mark(self, **facts: Any) -> None:
        """Say what it is, so that a later checkout may take its place."""
        (self.path / MARKER).write_bytes(
            orjson.dumps({"format": FORMAT, **facts}, option=orjson.OPT_INDENT_2)
        )


def image_name(image_id: int, path: str) -> str:
    """The name of an image's file: it can never lead out of its folder.

    Args:
        image_id: Makes it unique, and harmless whatever comes after.
        path: Of the original, with whatever separators.
    """
    name = _UNFIT.sub("_", re.split(r"[/\\]", path)[-1])
    return f"{image_id}_{_shortened(name)}"


def _shortened(name: str) -> str:
    """At most so many bytes, its suffix kept; what is no Unicode is replaced."""
    stem, suffix = os.path.splitext(name)
    raw = stem.encode("utf-8", "replace")
    room = LONGEST_NAME - len(suffix.encode("utf-8", "replace"))
    if room < 1:
        return name.encode("utf-8", "replace")[:LONGEST_NAME].decode("utf-8", "ignore")
    return raw[:room].decode("utf-8", "ignore") + suffix.encode("utf-8", "replace").decode()


@contextmanager
def checking_out(target: Path, *, overwrite: bool) -> Iterator[CheckoutDraft]:
    """A folder beside the target that takes its place when the block has ended well.

    Raises:
        ConflictError: Something else is there, or an earlier checkout that must not be replaced,
            or one in which there are other files too.
        ValidationError: It cannot be written, or is a database's own folder.
    """
    refuse_managed(target / "images")
    earlier = _earlier(target, overwrite=overwrite)
    draft = target.with_name(f".mlmcsc-{secrets.token_hex(8)}.part")
    try:
        draft.mkdir()
        try:
            yield CheckoutDraft(draft, target, earlier)
            _publish(draft, target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)  # after `_publish` there is none
    except OSError as error:
        if isinstance(error, MlmcscError):  # it has told what is wrong already
            raise
        raise ValidationError(
            f"{target}: cannot be written: {error.strerror or error}. {_repair(error, target)}"
        ) from error


def _repair(error: OSError, target: Path) -> str:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "Nothing was left behind. Make room there, or link the images instead of copying."
    if error.errno in {errno.EXDEV, errno.EMLINK, errno.EPERM}:
        return "The originals cannot be linked from there: copy the images instead."
    if error.errno == errno.ENOENT:
        return f"Create the folder {target.parent}, or name another one."
    return f"Check the permissions of {target.parent}, or name another folder."


def _earlier(target: Path, *, overwrite: bool) -> dict[str, Path]:
    """The images of the checkout that may be replaced; none where nothing is there."""
    if not os.path.lexists(target):
        return {}
    if target.is_symlink() or not target.is_dir():
        raise ConflictError(f"{target} is there and is no folder. Name another one.")
    if not any(target.iterdir()):
        return {}
    if not _is_checkout(target):
        raise ConflictError(
            f"{target} is not empty and is no checkout of mlmcsc; it is left alone. Name an empty "
            "or a new folder."
        )
    if not overwrite:
        raise ConflictError(f"{target} has a checkout already. Pass overwrite=True to renew it.")
    found: dict[str, Path] = {}
    for folder, folders, files in os.walk(target):
        inside = os.path.relpath(folder, target)
        for name in (*folders, *files):
            relative = name if inside == "." else f"{inside.replace(os.sep, '/')}/{name}"
            if relative not in FILES and not IMAGES.fullmatch(relative):
                raise ConflictError(
                    f"{target / relative} is not of the checkout; renewing it would delete it. "
                    "Move it away, or name another folder."
                )
        found |= {name: Path(folder) / name for name in files if inside != "."}
    return found


def _is_checkout(target: Path) -> bool:
    try:
        said = orjson.loads((target / MARKER).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(said, dict) and said.get("format") == FORMAT


def _publish(draft: Path, target: Path) -> None:
    """Put it in place; an earlier checkout goes only when the new one is there."""
    if not target.is_dir() or not any(target.iterdir()):
        draft.rename(target)  # also over an empty folder
        return
    old = target.with_name(f".mlmcsc-{secrets.token_hex(8)}.old")
    target.rename(old)
    try:
        draft.rename(target)
    except BaseException:
        old.rename(target)
        raise
    shutil.rmtree(old)
