"""Bulk ingest: find the files, pass over the known ones, read the rest, store in batches."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from mlmcsc.adapters.image_workers import Outcome, ReadOptions, Unreadable, read_many
from mlmcsc.adapters.managed_files import adopt_files
from mlmcsc.config.image_settings import ImageSettings
from mlmcsc.domain.enums import Operation, Storage
from mlmcsc.domain.image_rows import check_path, compare
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.results import IngestReport, Rejection, StoredImage
from mlmcsc.errors import (
    ImageFileError,
    MlmcscError,
    StoreError,
    ValidationError,
)
from mlmcsc.services.images.discovery import find_files
from mlmcsc.services.images.path_rules import PathRules
from mlmcsc.services.images.writing import Arrival, at_path, write_arrivals
from mlmcsc.store.queries import images as image_queries
from mlmcsc.store.uow import Store

BATCH = 512
"""Files per transaction: what an interruption can cost, and what a commit is shared by."""

LOOKUP = 10_000
"""Paths looked up at a time: bounds the memory of a resumed ingest of any size."""

PARALLEL_FROM = 256
"""Below so many files starting worker processes costs more than it saves."""

MOST_WORKERS = 8


@dataclass(frozen=True, slots=True)
class IngestPlan:
    """The checked arguments of one ingest; see `Images.ingest`."""

    source: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
    recursive: bool
    workers: int | None
    specimen_from: str | None
    storage: Storage
    on_error: Literal["collect", "raise"]
    progress: Callable[[int, int], None] | None
    metadata: Mapping[str, Any]


@dataclass(slots=True)
class _Tally:
    """The report in the making."""

    ids: dict[str, int] = field(default_factory=dict)
    stored: int = 0
    unchanged: int = 0
    duplicates: list[StoredImage] = field(default_factory=list)
    near: list[StoredImage] = field(default_factory=list)
    conflicts: list[Rejection] = field(default_factory=list)
    errors: list[Rejection] = field(default_factory=list)
    bytes_read: int = 0

    def count(self, outcome: StoredImage) -> None:
        self.ids[outcome.path] = outcome.id
        self.conflicts += [Rejection(outcome.path, told) for told in outcome.conflicts]
        if outcome.created:
            self.stored += 1
            if outcome.near_duplicate_of is not None:
                self.near.append(outcome)
        elif outcome.duplicate_of is not None:
            self.duplicates.append(outcome)
        else:
            self.unchanged += 1


def run(db: Store, actor: Actor, settings: ImageSettings, plan: IngestPlan) -> IngestReport:
    """Carry out an ingest; see `Images.ingest`."""
    began = time.perf_counter()
    if plan.on_error not in {"collect", "raise"}:
        raise ValidationError(f"on_error={plan.on_error!r}: must be 'collect' or 'raise'.")
    if plan.workers is not None and (isinstance(plan.workers, bool) or plan.workers < 0):
        raise ValidationError(f"workers={plan.workers!r}: must be 0 or more processes.")
    rules = PathRules(plan.specimen_from, plan.metadata)
    if plan.storage is Storage.MANAGED:
        settings.image_store()  # before anything is read
    apart = [folder for folder in (settings.managed, settings.thumbnails) if folder is not None]
    found = find_files(plan.source, recursive=plan.recursive, apart=apart)
    paths = found.files
    tally = _Tally()
    for folder, reason in found.unreadable.items():
        _fail(plan, tally, folder, ImageFileError(reason))
    storable = _storable(plan, paths, tally)
    new = _pass_over_known(db, actor, settings, plan, rules, storable, tally)
    options = ReadOptions(
        settings.near_duplicates, str(settings.instrument_timezone), settings.max_pixels
    )
    done = len(paths) - len(new)  # known, or refused by name
    _report(plan, done, len(paths))
    for batch in _batches(read_many(new, options, _workers(plan.workers, len(new)))):
        _store(db, actor, settings, plan, rules, batch, tally)
        done += len(batch)
        _report(plan, done, len(paths))
    return IngestReport(
        stored=tally.stored,
        unchanged=tally.unchanged,
        duplicates=tuple(tally.duplicates),
        near_duplicates=tuple(tally.near),
        conflicts=tuple(tally.conflicts),
        errors=tuple(tally.errors),
        ignored=found.ignored,
        bytes_read=tally.bytes_read,
        seconds=time.perf_counter() - began,
        image_ids=tuple(tally.ids[path] for path in paths if path in tally.ids),
    )


def _report(plan: IngestPlan, done: int, total: int) -> None:
    if plan.progress is not None:
        plan.progress(done, total)


def _workers(asked: int | None, files: int) -> int:
    if asked is not None:
        return asked
    return 1 if files < PARALLEL_FROM else min(os.cpu_count() or 1, MOST_WORKERS)


def _storable(plan: IngestPlan, paths: Sequence[str], tally: _Tally) -> list[str]:
    """The paths that the database can hold; the others fail before they are read."""
    fit = []
    for path in paths:
        try:
            check_path(path)
        except ValidationError as error:
            _fail(plan, tally, path, error)
        else:
            fit.append(path)
    return fit


def _pass_over_known(
    db: Store,
    actor: Actor,
    settings: ImageSettings,
    plan: IngestPlan,
    rules: PathRules,
    paths: Sequence[str],
    tally: _Tally,
) -> list[str]:
    """The paths still to be read; unchanged known ones are counted unread."""
    new = []
    for start in range(0, len(paths), LOOKUP):
        chunk = paths[start : start + LOOKUP]
        with db.read() as view:
            known = image_queries.known_files(view, chunk, rules.stated())
        passed = []
        for path in chunk:
            file = known.get(path)
            if file is None or not _unchanged(path, file) or _says_more(rules, file):
                new.append(path)
                continue
            ours = _is_our_copy(file.stored_path, settings.managed)
            if plan.storage is Storage.MANAGED and not ours:
                new.append(path)
                continue
            passed.append(path)
            double = None if ours or path == file.stored_path else file.stored_path
            tally.count(StoredImage(file.image_id, path, created=False, duplicate_of=double))
        _describe(db, actor, rules, passed)
    return new


def _describe(db: Store, actor: Actor, rules: PathRules, paths: Sequence[str]) -> None:
    """Files that need not be read may still tell of their specimens by their paths."""
    with db.read() as view:
        if not rules.tells_of_specimens(view, paths):
            return
    with db.write(actor) as tx:
        rules.describe_specimens(tx, paths)


def _is_our_copy(stored_path: str, managed: Path | None) -> bool:
    return managed is not None and stored_path.startswith(
        os.path.join(os.path.abspath(managed), "")
    )


def _says_more(rules: PathRules, file: image_queries.KnownFile) -> bool:
    """Whether the caller now states something that is not stored: then it is looked at again."""
    try:
        given = rules.image_fields(file.path)
    except ValidationError:
        return True
    new, differing = compare(file.stated, given)
    return bool(new or differing)


def _unchanged(path: str, file: image_queries.KnownFile) -> bool:
    try:
        now = os.stat(path)
    except OSError:
        return False  # reading it will say why
    return (now.st_size, now.st_mtime_ns) == (file.file_size, file.file_mtime_ns)


def _batches(chunks: Iterable[list[Outcome]]) -> Iterator[list[Outcome]]:
    batch: list[Outcome] = []
    for chunk in chunks:
        batch += chunk
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _store(
    db: Store,
    actor: Actor,
    settings: ImageSettings,
    plan: IngestPlan,
    rules: PathRules,
    batch: Sequence[Outcome],
    tally: _Tally,
) -> None:
    arrivals: list[Arrival] = []
    for outcome in batch:
        try:
            if isinstance(outcome, Unreadable):
                raise ImageFileError(outcome.reason)
            arrivals.append(Arrival(outcome, rules.image_fields(outcome.path)))
        except MlmcscError as error:
            _fail(plan, tally, outcome.path, error)
    if plan.storage is Storage.MANAGED:
        arrivals = _adopted(arrivals, settings.image_store(), plan, tally)
    tally.bytes_read += sum(arrival.facts.file_size for arrival in arrivals)
    if not arrivals:
        return
    stored = _write(db, actor, rules, arrivals)
    for arrival, result in zip(arrivals, stored, strict=True):
        if isinstance(result, MlmcscError):
            _fail(plan, tally, arrival.source or arrival.facts.path, result)
        else:
            tally.count(result)


def _adopted(
    arrivals: Sequence[Arrival], store: Path, plan: IngestPlan, tally: _Tally
) -> list[Arrival]:
    """The arrivals whose copies are on the disk, before the commit that names them."""
    copied = []
    places = adopt_files([arrival.facts for arrival in arrivals], store)
    for arrival, place in zip(arrivals, places, strict=True):
        if isinstance(place, StoreError):
            _fail(plan, tally, arrival.facts.path, place)
        else:
            copied.append(at_path(arrival, str(place)))
    return copied


def _write(
    db: Store, actor: Actor, rules: PathRules, arrivals: Sequence[Arrival]
) -> Iterator[StoredImage | MlmcscError]:
    """One outcome per arrival: all in one transaction, or, if a row is refused, one by one."""
    paths = [arrival.source or arrival.facts.path for arrival in arrivals]
    try:
        with db.write(actor) as tx:
            rules.describe_specimens(tx, paths)
            outcomes = write_arrivals(tx, arrivals, operation=Operation.INGEST)
    except StoreError as error:
        if not image_queries.refused_a_row(error):
            raise
        refusal = error
    else:
        yield from outcomes
        return
    if len(arrivals) == 1:
        yield StoreError(f"{paths[0]}: {refusal}")
        return
    for arrival in arrivals:
        yield from _write(db, actor, rules, [arrival])


def _fail(plan: IngestPlan, tally: _Tally, path: str, error: MlmcscError) -> None:
    if plan.on_error == "raise":
        raise error
    tally.errors.append(Rejection(path, str(error)))
