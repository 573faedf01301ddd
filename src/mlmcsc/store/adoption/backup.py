"""A verified copy of the original beside it."""

from __future__ import annotations

import hashlib
import os
from contextlib import closing
from datetime import datetime
from pathlib import Path

import sqlcipher3.dbapi2 as driver

from mlmcsc.errors import AdoptionError
from mlmcsc.store.adoption import files
from mlmcsc.store.adoption.holding import Held
from mlmcsc.store.adoption.original import connect, counts


def back_up(held: Held, now: datetime) -> tuple[Path, str]:
    """Copy through SQLite's backup API, read the copy back whole, and make it durable.

    Returns:
        The copy, `<name>.original-<UTC time>.db`, and the SHA-256 (hex) of its bytes.

    Raises:
        AdoptionError: The copy does not hold the same rows, or the original is damaged.
    """
    part = held.path.with_name(f"{held.path.name}.original.part")
    files.remove(part)  # of an adoption that was interrupted
    files.create_like(part, held.state)
    try:
        with closing(driver.connect(str(part))) as target:
            held.source.backup(target)
        with closing(connect(part, "mode=ro&immutable=1")) as copy:
            _verify(held.source, copy)
        files.flush(part)
        final = _free_name(held.path, now)
        part.rename(final)
    except BaseException:
        files.remove(part)
        raise
    files.flush(final.parent)
    descriptor = os.open(final, os.O_RDONLY)
    try:
        return final, files.sha256(descriptor)
    finally:
        os.close(descriptor)


def _verify(source: driver.Connection, copy: driver.Connection) -> None:
    damage = [text for (text,) in copy.execute("PRAGMA integrity_check(5)") if text != "ok"]
    if damage:
        raise AdoptionError(f"it is damaged ({'; '.join(damage)}). Repair or restore it first")
    if counts(source) != counts(copy) or _content(source) != _content(copy):
        raise AdoptionError("the backup does not hold the same rows. Check the disk")


def _content(connection: driver.Connection) -> str:
    """SHA-256 (hex) of every row of every table, with the table definitions."""
    found = hashlib.sha256()
    schema = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name, type")
    definitions = schema.fetchall()
    found.update(repr(definitions).encode())
    for kind, name, _ in definitions:
        if kind == "table":
            for row in connection.execute(f'SELECT * FROM "{name}" ORDER BY rowid'):
                found.update(repr(row).encode("utf-8", "surrogatepass"))
    return found.hexdigest()


def _free_name(path: Path, now: datetime) -> Path:
    """A name that nobody has; the caller holds the database, so nobody takes it meanwhile."""
    stamp = f"{now:%Y%m%dT%H%M%SZ}"
    number = 1
    while True:
        ending = "" if number == 1 else f"-{number}"
        found = path.with_name(f"{path.name}.original-{stamp}{ending}.db")
        if not found.exists() and not Path(f"{found}.report.txt").exists():
            return found
        number += 1
