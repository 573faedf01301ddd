"""What an unfinished run has put into the folder of versions, so that the next may remove it.

`drafts/RUN.json` names the files that a run brought; it is written before each of them comes to
its place, and goes when the run is over. Nothing else is ever removed unasked: a file that this
database does not know may be of its newer self, or of a copy.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any, Final

import orjson

from mlmcsc.adapters.managed_files import sync_folder
from mlmcsc.errors import StoreError

FOLDER: Final = "drafts"


class Journal:
    """The files that one run brings, relative to the folder."""

    def __init__(self, root: Path) -> None:
        self._place = root / FOLDER / f"{uuid.uuid4().hex}.json"
        self._names: list[str] = []

    def note(self, name: str) -> None:
        """Say durably that this file comes next.

        Raises:
            StoreError: It cannot be written.
        """
        self._names.append(name)
        write_json(self._place, self._names)

    def end(self) -> None:
        """The run is over: what it brought is to stay, or is gone."""
        self._names = []
        self._place.unlink(missing_ok=True)


def noted(root: Path) -> dict[Path, list[str]]:
    """Journals of runs that did not end, and the files that they name.

    Raises:
        StoreError: One cannot be read.
    """
    found = {}
    for place in (root / FOLDER).glob("*.json"):
        try:
            names = orjson.loads(place.read_bytes())
        except (OSError, ValueError) as error:
            raise StoreError(
                f"Cannot read {place}: {error}. It lists what an interrupted run left; remove it "
                "to keep all of that."
            ) from error
        found[place] = [str(name) for name in names]
    return found


def write_json(path: Path, document: Any, options: int = 0) -> bytes:
    """Write a JSON file durably, all of it or nothing; its bytes.

    Raises:
        StoreError: It cannot be written.
    """
    raw = orjson.dumps(document, option=options)
    draft = path.with_name(f".{uuid.uuid4().hex}.partial")
    try:
        with draft.open("xb") as out:
            out.write(raw)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise StoreError(f"Cannot write {path}: {error.strerror or error}.") from error
    finally:
        draft.unlink(missing_ok=True)
    return raw
