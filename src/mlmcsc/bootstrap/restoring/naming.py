"""Whether a name means a signed set of the place, or a plain file of before."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from mlmcsc.domain.backups.manifest import FILE as MANIFEST
from mlmcsc.errors import ConflictError, UnknownRecordError

ENDINGS: Final = (".db", ".sqlite", ".sqlite3")
"""By which a name alone may mean a file."""


def plain_file(name: str, where: str | Path | None) -> Path | None:
    """The file that the name means; None: it is a set's name.

    Nothing signed vouches for a file, so a set of that name always goes first: whoever can write
    to the current folder, or to the place, cannot put a file in a set's stead. Only a name that
    looks like a file's is looked for among files at all.

    Raises:
        UnknownRecordError: A path leads to no file.
        ConflictError: Two files are called so.
    """
    if Path(name).name != name or name in {"", ".", ".."}:
        if not Path(name).is_file():
            what = "is a folder" if Path(name).is_dir() else "is not there"
            raise UnknownRecordError(
                f"{name} {what}: name an SQLite file, or a backup of the place by its name alone "
                "(`mlmcsc backup list`)."
            )
        return Path(name)
    if not name.lower().endswith(ENDINGS) or _is_set(name, where):
        return None
    inside = None if where is None or "://" in str(where) else Path(where) / name
    candidates = (Path(name), *(() if inside is None else (inside,)))
    files = {file.resolve(): file for file in candidates if file.is_file()}
    if len(files) > 1:
        raise ConflictError(
            f"{name!r} may mean {' or '.join(str(file) for file in files)}; nothing was changed. "
            f"Write the path, e.g. ./{name}."
        )
    return next(iter(files.values()), None)


def _is_set(name: str, where: str | Path | None) -> bool:
    from mlmcsc.adapters.backup_store import open_store

    return where is not None and open_store(where).size(f"{name}/{MANIFEST}") is not None
