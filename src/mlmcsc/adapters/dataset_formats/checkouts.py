"""The folder of a checkout, which knows itself again."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from mlmcsc.adapters.folder_drafts import MARKER, folder_draft
from mlmcsc.errors import ConflictError

FORMAT: Final = "mlmcsc-checkout-1"
FILES: Final = frozenset({MARKER, "labels.csv", "labels.parquet", "manifest.json", "missing.csv"})
IMAGES: Final = re.compile(r"images(/[a-z]+(/\d{12,}\.[a-z0-9]+)?)?")


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


@contextmanager
def checking_out(target: Path, *, overwrite: bool) -> Iterator[CheckoutDraft]:
    """A draft of a checkout; see `folder_draft`.

    Raises:
        ConflictError: Something else is there, or an earlier checkout that must not be replaced,
            or one in which there are other files too.
        ValidationError: It cannot be written, or is a database's own folder.
    """
    earlier: dict[str, Path] = {}

    def judge(target: Path) -> None:
        if not _is_checkout(target):
            raise ConflictError(
                f"{target} is not empty and is no checkout of mlmcsc; it is left alone. Name an "
                "empty or a new folder."
            )
        if not overwrite:
            raise ConflictError(
                f"{target} has a checkout already. Pass overwrite=True to renew it."
            )
        earlier.update(_images(target))

    with folder_draft(target, judge) as draft:
        yield CheckoutDraft(draft.path, target, earlier)
        draft.check_target()


def _images(target: Path) -> dict[str, Path]:
    """The images of the checkout that is to be replaced, by name."""
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
