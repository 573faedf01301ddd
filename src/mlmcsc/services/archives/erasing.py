"""Erasing a person in the archives: those that hold something of them are written anew."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from mlmcsc.adapters.archives import write_rows
from mlmcsc.domain.archives import REVISIONS, ArchiveErasure, ArchiveRecord, Manifest
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.privacy.matching import fold
from mlmcsc.domain.privacy.mentions import ERASED, Mentions
from mlmcsc.errors import IntegrityError
from mlmcsc.services.archives.shelf import Chunks, Shelf
from mlmcsc.store.queries import archives as queries
from mlmcsc.store.queries.erasure.naming import readable
from mlmcsc.store.queries.spellings import of_others
from mlmcsc.store.uow import Store
from mlmcsc.store.vault import people_in, subject_of

Row = dict[str, Any]

OWN_TEXTS = frozenset({"notes", "time_spent", "reason", "verified_by", "replaced_by"})
"""Columns that do not simply stay with an anonymous measurement."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whose data go.

    Attributes:
        technician_row: The id in `technicians`, for a technician.
        subject_id: Random id in the vault.
        identifiers: The names by which rows speak of the person in clear.
        pseudonym: What stands in their place.
        deletes: Whether the person's labels go altogether.
        held_images: Images whose labels stay nevertheless.
    """

    technician_row: int | None
    subject_id: str
    identifiers: frozenset[str]
    pseudonym: str
    deletes: bool
    held_images: frozenset[int]


@dataclass(slots=True)
class _Pass:
    """One go through an archive's labels and then their revisions."""

    db: Store
    person: Person
    own: set[int] = field(default_factory=set)
    removed: set[int] = field(default_factory=set)
    n_changed: int = 0
    n_removed: int = 0
    n_held: int = 0
    n_unread: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    words: Mentions = field(init=False)
    others: set[str] = field(init=False)

    def __post_init__(self) -> None:
        person = self.person
        self.words = Mentions(person.identifiers)
        with self.db.read() as view:
            self.others = of_others(view, person.technician_row, person.identifiers)

    def label(self, row: Row) -> Row | None:
        """The row as it stays; None where it goes."""
        person = self.person
        if row["technician_id"] == person.technician_row:
            self.own.add(row["id"])
            if person.deletes and row["image_id"] not in person.held_images:
                self.removed.add(row["id"])
                return None
            self.n_held += person.deletes
        return self._without(row, row["id"])

    def revision(self, row: Row) -> Row | None:
        """The row as it stays; None where its label goes."""
        return None if row["label_id"] in self.removed else self._without(row, row["label_id"])

    def _without(self, row: Row, label_id: int) -> Row:
        person = self.person
        change: Row = {
            name: person.pseudonym
            for name in ("verified_by", "replaced_by")
            if self._is_theirs(row.get(name))
        }
        if row.get("reason") is not None and "replaced_by" in change:
            change["reason"] = ERASED  # their own words
        own = label_id in self.own
        if own or subject_of(row["notes"]) == person.subject_id:
            change["notes"] = None
        if own and "time_spent" in row:
            change["time_spent"] = None
        if "reason" in row and "reason" not in change:
            change["reason"] = self.words.removed(row["reason"])
        change["annotation_data"] = self._regions(row["annotation_data"])
        return row | change

    def _is_theirs(self, name: str | None) -> bool:
        if name is None or name in self.person.identifiers:
            return name is not None
        return self.words.is_one(name) and fold(name) not in self.others

    def _regions(self, text: str | None) -> str | None:
        """Annotation data, which archives keep as JSON text."""
        if text is None:
            return None
        document = orjson.loads(text)
        cleared = self.words.removed(document)
        return text if cleared == document else orjson.dumps(cleared).decode()

    def _count(self, table: str, before: Row, after: Row | None, label_id: int) -> None:
        """As `deeds.count` does of live rows: what is removed, changed, or stays of the person."""
        stays = label_id in self.own
        for name, value in before.items():
            gone = after is None or after[name] != value
            if gone or (stays and name not in OWN_TEXTS):
                self.counts[f"{table}.{name}"] += 1

    def chunks(self, chunks: Chunks, names: list[str], table: str) -> Chunks:
        """The rows as they stay, counting what changes."""
        keep = self.revision if table == REVISIONS else self.label
        for chunk in chunks:
            kept = []
            rows = [dict(zip(names, values, strict=True)) for values in chunk]
            notes = self._without_names([row["notes"] for row in rows])
            for row, cleared in zip(rows, notes, strict=True):
                stays = keep(row | {"notes": cleared})
                self._count(table, row, stays, row["label_id" if table == REVISIONS else "id"])
                if stays is None:
                    self.n_removed += 1
                    continue
                self.n_changed += stays != row
                kept.append(tuple(stays.values()))
            if kept:
                yield kept

    def _without_names(self, notes: list[str | None]) -> list[str | None]:
        """Notes that name the person, without the name, sealed again under their writer's key."""
        with self.db.read() as view:
            opened = readable(view, notes)
            pairs = zip(notes, opened, strict=True)
            self.n_unread += sum(text is None and note is not None for note, text in pairs)
            naming = {
                index: text
                for index, text in enumerate(opened)
                if text in self.words and text != ERASED
            }
            seal = view.vault.sealer(view, people_in([notes[index] for index in naming]))
            cleared = list(notes)
            for index, text in naming.items():
                writer, left = subject_of(notes[index]), self.words.removed(text)
                cleared[index] = left if writer is None else seal(writer, left)
        return cleared


def erase(shelf: Shelf, person: Person) -> ArchiveErasure:
    """Go through all archives of labels; whatever was done already is not done again."""
    with shelf.folder.locked():
        shelf.tidy(after_death=True)
        out, unknown = _out(shelf)
        passes = {archive.name: _erase_in(shelf, person, archive) for archive in out}
    return _told(passes, unknown)


def planned(shelf: Shelf, person: Person) -> ArchiveErasure:
    """What `erase` would do; an archive that cannot be read is named with the reason."""
    out, unknown = _out(shelf)
    passes, unreadable = {}, []
    for archive in out:
        try:
            passes[archive.name] = _look(shelf, person, archive)[0]
        except IntegrityError as error:
            unreadable.append(f"{archive.name}: cannot be read now: {error}")
    told = _told(passes, unknown)
    return replace(told, searched=len(out), rewritten=(*told.rewritten, *unreadable))


def _out(shelf: Shelf) -> tuple[list[ArchiveRecord], tuple[str, ...]]:
    """The archives in which labels are, and folders of which nobody knows what they hold."""
    with shelf.db.read() as view:
        every, unknown = queries.every(view), shelf.unknown(view)
    return [a for a in every if a.table_name == "labels" and a.restored_at is None], unknown


def _told(passes: Mapping[str, _Pass], unknown: tuple[str, ...]) -> ArchiveErasure:
    done = {name: each for name, each in passes.items() if each.n_changed or each.n_removed}
    return ArchiveErasure(
        searched=len(passes),
        rewritten=tuple(done),
        n_changed=sum(each.n_changed for each in done.values()),
        n_removed=sum(each.n_removed for each in done.values()),
        n_held=sum(each.n_held for each in passes.values()),
        unknown=unknown,
        counts=dict(sum((each.counts for each in passes.values()), Counter())),
        n_unread=sum(each.n_unread for each in passes.values()),
    )


def _look(shelf: Shelf, person: Person, archive: ArchiveRecord) -> tuple[_Pass, Manifest]:
    with shelf.db.read() as view:
        manifest = shelf.check(view, archive)
    looked = _Pass(shelf.db, person)
    for _ in _through(shelf, archive, manifest, looked):
        pass
    return looked, manifest


def _erase_in(shelf: Shelf, person: Person, archive: ArchiveRecord) -> _Pass:
    looked, manifest = _look(shelf, person, archive)
    if looked.n_changed or looked.n_removed:
        _rewrite(shelf, person, archive, manifest, looked)
    return looked


def _through(
    shelf: Shelf, archive: ArchiveRecord, manifest: Manifest, going: _Pass
) -> Iterator[list[tuple[Any, ...]]]:
    for file in manifest.files:
        yield from going.chunks(shelf.rows_of(archive.path, file), list(file.columns), file.table)


def _rewrite(
    shelf: Shelf, person: Person, archive: ArchiveRecord, old: Manifest, looked: _Pass
) -> None:
    """Another folder takes the archive's place in one transaction; then the old one goes."""
    new = replace(old, version=old.version + 1)
    shelf.begin(new.path)
    try:
        draft = shelf.folder.draft(new.path)
        going = _Pass(shelf.db, person)
        files = [
            write_rows(
                draft / file.name,
                file.table,
                file.columns,
                going.chunks(shelf.rows_of(old.path, file), list(file.columns), file.table),
            )
            for file in old.files
        ]
        new = replace(new, files=tuple(files), n_rows=files[0].n_rows)
        shelf.folder.check_draft(new)
        raw = new.signed(shelf.sign)
        shelf.folder.publish(new.path, raw)
        _exchange(shelf, archive, new, raw, looked)
    finally:
        shelf.tidy()


def _exchange(
    shelf: Shelf, archive: ArchiveRecord, new: Manifest, raw: bytes, looked: _Pass
) -> None:
    sha256 = hashlib.sha256(raw).hexdigest()
    with shelf.db.write(shelf.actor) as tx:
        queries.change(
            tx,
            archive.id,
            path=new.path,
            sha256=sha256,
            n_rows=new.n_rows,
            manifest=orjson.loads(raw),
        )
        queries.set_unfinished(tx, [archive.path])
        before = {"manifest_sha256": archive.sha256, "n_rows": archive.n_rows}
        after = {
            "manifest_sha256": sha256,
            "n_rows": new.n_rows,
            "rows_changed": looked.n_changed,
            "rows_removed": looked.n_removed,
        }
        tx.record(
            AuditEvent(
                Operation.ERASE,
                "archives",
                archive.id,
                before,
                after,
                n_rows=looked.n_changed + looked.n_removed,
                digest=new.files[0].rows_sha256,
            )
        )
