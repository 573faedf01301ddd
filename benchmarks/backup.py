"""Backups against the bare tools: SQLite's backup API, `pg_dump`, SHA-256 of a file."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

import psycopg
import sqlcipher3.dbapi2 as driver

from benchmarks import pictures
from benchmarks.backup_servers import running_server
from benchmarks.measure import Row, compare, judge, seconds, take_turns
from benchmarks.vectors import DIMENSION, numbers
from benchmarks.worlds import Worlds, fill
from mlmcsc import DatabaseManager
from mlmcsc.config import Config
from mlmcsc.domain.backups.reports import BackupReport
from mlmcsc.store.backups.postgresql_tools import connects

ROUNDS = 7
IMAGES = 100_000
TYPES = ("cnn", "texture")
"""Two vectors for each image: with them the database has more than 500 MB."""
STORED_IMAGES = 2_000
SMALL = 16_000_000
"""More bytes than the database of the stored images has, and fewer than they have."""
_numbers = count()


def run(worlds: Worlds) -> list[Row]:
    """Create, verify, pack and encrypt, add to images that are there; then PostgreSQL."""
    return [*_sqlite(worlds), *_images(worlds), *_postgresql(worlds)]


@contextmanager
def _opened(url: str, place: Path, tools: Path | None = None) -> Iterator[DatabaseManager]:
    """Built-in settings but for the read-back after writing, which no bare tool does."""
    backup = {"directory": str(place), "verify": False, "compression": False}
    named = {} if tools is None else {"postgresql_tools": str(tools)}
    with DatabaseManager(url, config=Config.model_validate({"backup": backup | named})) as db:
        yield db


def _vectors(db: DatabaseManager, size: int) -> None:
    for name in TYPES:
        for ids, vectors in numbers(size):
            db.store_features(ids, name, vectors, "v1")


def _create(db: DatabaseManager, megabytes: float, *, packed: bool = False) -> float:
    """MB of the database a second; the set is removed afterwards."""
    name, made = f"b{next(_numbers)}", list[BackupReport]()
    clock = seconds(lambda: made.append(db.backups.create(name, compress=packed, encrypt=packed)))
    shutil.rmtree(made[0].path)
    return megabytes / clock


def _sqlite(worlds: Worlds) -> list[Row]:
    path, place = worlds.folder / "backup.db", worlds.folder / "backups"
    with _opened(f"sqlite:///{path}", place) as db:
        fill(db, worlds.size(IMAGES))
        _vectors(db, worlds.size(IMAGES))
    megabytes = path.stat().st_size / 1e6
    what = f"{megabytes:.0f} MB in SQLite, labels, predictions, vectors of {DIMENSION}"
    with _opened(f"sqlite:///{path}", place) as db:
        found = take_turns(
            ROUNDS,
            bare=lambda: megabytes / _bare(path),
            plain=lambda: _create(db, megabytes),
            packed=lambda: _create(db, megabytes, packed=True),
        )
        file = Path(db.backups.create("kept").path) / "database" / "mlmcsc.db"
        read = take_turns(
            ROUNDS,
            sha256=lambda: megabytes / seconds(lambda: _sha256(file)),
            verify=lambda: megabytes / seconds(lambda: db.backups.verify("kept")),
        )
    worlds.remove(path)
    shutil.rmtree(place)
    return [
        compare(
            "backup",
            f"create a backup of {what}, with a digest of every table, signed",
            "MB/s",
            found["plain"],
            found["bare"],
            against="sqlite3_backup alone into a file, synchronous=FULL",
            at_least=0.8,
        ),
        compare(
            "backup",
            "the same with Zstandard and AES-256-GCM",
            "MB/s",
            found["packed"],
            found["plain"],
            against="the same without",
            at_least=0.6,
        ),
        compare(
            "backup",
            "verify that backup: signature and every byte",
            "MB/s",
            read["verify"],
            read["sha256"],
            against="hashlib SHA-256 of its file, both in the page cache",
            at_least=0.8,
        ),
    ]


def _bare(path: Path) -> float:
    target = path.with_name("bare.db")

    def copy() -> None:
        source, made = driver.connect(str(path)), driver.connect(str(target))
        with closing(source), closing(made):
            source.backup(made)
        _flush(target)

    clock = seconds(copy)
    target.unlink()
    return clock


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sha256(path: Path) -> None:
    with path.open("rb") as file:
        hashlib.file_digest(file, "sha256")


def _images(worlds: Worlds) -> list[Row]:
    path, place = worlds.folder / "backup-images.db", worlds.folder / "backups-images"
    size = worlds.size(STORED_IMAGES)
    files = pictures.draw(worlds.folder / "backup-pictures", size)
    with _opened(f"sqlite:///{path}", place) as db:
        db.ingest(files, storage="managed")
        first = db.backups.create("first", with_images=True)
        clock = [seconds(lambda: _again(db)) for _ in range(5)]
    worlds.remove(path)
    shutil.rmtree(place)
    shutil.rmtree(files[0].parent)
    what = f"{size} stored images ({first.n_bytes / 1e6:.0f} MB)"
    return [
        judge("backup", f"first backup of {what}", "s", first.seconds),
        judge(
            "backup",
            f"the next, nothing new: median of {len(clock)}",
            "s",
            sorted(clock)[2],
            below=1,
        ),
    ]


def _again(db: DatabaseManager) -> None:
    if db.backups.create(f"b{next(_numbers)}", with_images=True).new_bytes > SMALL:
        raise AssertionError("images were written again: the figure means nothing")


def _postgresql(worlds: Worlds) -> list[Row]:
    place = worlds.folder / "backups-server"
    with running_server() as (url, tools), _opened(url, place, tools) as db:
        fill(db, worlds.size(IMAGES))
        _vectors(db, worlds.size(IMAGES))
        with psycopg.connect(url) as asked:
            query = "SELECT pg_database_size(current_database())"
            megabytes = float(asked.execute(query).fetchone()[0]) / 1e6  # type: ignore[index]  # one row
        found = take_turns(
            3,
            bare=lambda: megabytes / _pg_dump(url, tools, worlds.folder / "bare-dump"),
            plain=lambda: _create(db, megabytes),
        )
    shutil.rmtree(place)
    return [
        compare(
            "backup",
            f"create a backup of the same in PostgreSQL ({megabytes:.0f} MB)",
            "MB/s",
            found["plain"],
            found["bare"],
            against="pg_dump --format=directory --compress=0 with as many jobs",
            at_least=0.8,
        )
    ]


def _pg_dump(url: str, tools: Path, target: Path) -> float:
    with psycopg.connect(url) as connection:
        place, environ = connects(connection.info)
    jobs = f"--jobs={min(4, os.cpu_count() or 1)}"
    command = [str(tools / "pg_dump"), "--format=directory", jobs, "--compress=0"]
    command += ["--no-owner", "--no-privileges", f"--file={target}", f"--dbname={place}"]
    clock = seconds(lambda: subprocess.run(command, env=environ, check=True))
    shutil.rmtree(target)
    return clock
