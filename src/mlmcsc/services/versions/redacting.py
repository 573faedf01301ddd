"""Redacting a person's rows in frozen datasets; the roots stay, and old files go.

A version's files are content-addressed, so a redacted file is another file: it is written first,
then one transaction lets every version name it, then the old file is overwritten and removed.
Killed at any point, the next run goes on: what it wrote before has the same name, and what is to be
removed is noted in the database. A file that is missing or damaged keeps nobody from being erased:
the others are redacted, and what was not reached is told and noted, for when it is put back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Literal

import numpy as np

from mlmcsc.adapters.versions import VersionFolder
from mlmcsc.adapters.versions.redacting import RowSearch, redacted
from mlmcsc.adapters.versions.replaced import note_replaced
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.records import DataVersionRecord
from mlmcsc.domain.splits import Split
from mlmcsc.domain.versions.layers import Layer, read_layers
from mlmcsc.domain.versions.redaction import (
    Contribution,
    Contributor,
    Recipient,
    VersionErasure,
)
from mlmcsc.domain.versions.rows import State
from mlmcsc.errors import IntegrityError, UnsupportedError
from mlmcsc.services.versions.seeking import Layers, Look, look_for, tallies_of
from mlmcsc.store.queries import archives, dataset_exports
from mlmcsc.store.queries.erasure import versions as queries
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store, Transaction

Labels = Literal["keep", "delete"]
Told = Callable[[Transaction, VersionErasure], None]
"""Notes what was done in the transaction that does it."""


@dataclass(frozen=True, slots=True)
class VersionRedaction:
    """Take people out of frozen datasets. Whoever calls has checked that it may be done."""

    db: Store
    folder: VersionFolder

    def plan(
        self, technician_row: int | None, identifiers: Iterable[str], *, labels: Labels
    ) -> VersionErasure:
        """What `erase` would do; nothing is changed.

        Args:
            technician_row: The person's id in `technicians`; None if they never labelled.
            identifiers: The names by which annotations may speak of them.
            labels: `delete` redacts rows that rest on their labels, `keep` only those whose
                annotation names them.
        """
        with self.db.read() as view:
            who = _contributor(view, technician_row, identifiers, deletes=labels == "delete")
            every, given = queries.frozen(view), _recipients(view, technician_row)
        look = look_for(
            self.folder, RowSearch(who), every
        )  # not in the snapshot: it may take minutes
        tallies = tallies_of(look, deletes=who.deletes)
        going = {name: tally.going for name, tally in tallies.items() if tally.going}
        return VersionErasure(tallies, going, given, look.unreached())

    def erase(
        self,
        actor: Actor,
        technician_row: int | None,
        identifiers: Iterable[str],
        *,
        labels: Labels,
        told: Told,
    ) -> VersionErasure:
        """Redact the person's rows of every version; the old files go with `remove_replaced`.

        The whole row is redacted also where other people's labels had a part in its value: the
        value itself was made of the person's label.

        Args:
            actor: In whose name.
            technician_row: See `plan`.
            identifiers: See `plan`.
            labels: See `plan`.
            told: Called in the transaction that changes the versions.

        Raises:
            StoreError: A file cannot be written; nothing was changed.
        """
        with self._locked():  # whoever makes a version, even the first, is waited for
            with self.db.read() as view:
                who = _contributor(view, technician_row, identifiers, deletes=labels == "delete")
                every = queries.frozen(view)
            return self._redact(actor, who, every, told)

    def reach_again(self, actor: Actor) -> list[VersionErasure]:
        """Go on where erasures did not reach a file: it may have been put back.

        The names are gone by then: for those who are to be named no more, rows that rest on their
        labels are redacted where there is any annotation.

        Args:
            actor: In whose name.

        Raises:
            StoreError: A file cannot be written.
        """
        with self.db.read() as view:
            if not queries.unreached(view):
                return []
        done = []
        with self._locked():
            with self.db.read() as view:
                waiting = queries.unreached(view)
            for each in waiting:
                with self.db.read() as view:
                    row, deletes = each["technician_row"], each["labels"] == "delete"
                    who = replace(_contributor(view, row, (), deletes=deletes), nameless=True)
                    every = queries.frozen(view)
                done.append(self._redact(actor, who, every, lambda *_: None, each["versions"]))
        self.remove_replaced(actor)
        return done

    def _locked(self) -> AbstractContextManager[None]:
        try:
            _ = self.folder.root
        except UnsupportedError:  # a database in memory never has versions
            return nullcontext()
        return self.folder.locked()

    def _redact(
        self,
        actor: Actor,
        who: Contributor,
        every: Sequence[DataVersionRecord],
        told: Told,
        again: Sequence[str] = (),
    ) -> VersionErasure:
        search = RowSearch(who)
        look = look_for(self.folder, search, every)
        swaps = self._rewritten(search, look)
        counted, unreached = look.totals(deletes=who.deletes), look.unreached()
        changed, going = {}, {}
        for record, layers in look.versions:
            (tally, before), now = counted[record.version], tuple(swaps.get(n, n) for n in layers)
            if now == read_layers(record.layers) and record.version not in again:
                continue
            known = record.version not in unreached
            n_redacted = (before if known else record.n_redacted) + tally.going
            changed[record.id] = self._changed(record, now, n_redacted, known=known)
            if n_redacted > record.n_redacted:
                going[record.version] = n_redacted - record.n_redacted
        done = VersionErasure(tallies_of(look, deletes=who.deletes), going, (), unreached)
        return self._commit(actor, who, done, changed, told)

    def remove_replaced(self, actor: Actor) -> int:
        """Overwrite and remove files whose place others took; says how many.

        Raises:
            StoreError: One cannot be removed.
        """
        with self.db.read() as view:
            if not queries.replaced(view):
                return 0
        with self.folder.locked():
            with self.db.read() as view:
                every, replaced = queries.frozen(view), queries.replaced(view)
            named = {layer.sha256 for each in every for layer in read_layers(each.layers)}
            gone = sorted(replaced & self.folder.present() - named)
            self.folder.tidy()
            self.folder.remove(gone)
            with self.db.write(actor) as tx:
                queries.set_replaced(tx, ())
                told = {"removed_files": gone}
                tx.record(AuditEvent(Operation.REDACT, "data_versions", None, None, told, n_rows=0))
        return len(gone)

    def of_person(self, view: View, technician_row: int | None) -> Iterator[Contribution]:
        """The versions that rest on somebody's labels, for the copy of their data.

        With exports of versions that are deleted.

        Raises:
            IntegrityError: A file of a version is missing or was changed; raised when the other
                versions are told.
        """
        if technician_row is None:
            return
        given = dataset_exports.recipients(view, technician_row)
        look = look_for(self.folder, RowSearch(Contributor(technician_row)), queries.frozen(view))
        tallies = tallies_of(look, deletes=False)
        for record, _ in look.versions:
            if record.version in tallies:
                rows, root = tallies[record.version].of_person, str(record.root)
                yield Contribution(record.version, root, rows, tuple(given.pop(root, ())))
        for root, exports in given.items():
            yield Contribution(exports[0].version, root, None, tuple(exports))
        if look.broken:
            raise IntegrityError(next(iter(look.broken.values())))

    def _rewritten(self, search: RowSearch, look: Look) -> dict[Layer, Layer]:
        """The layers that have rows to be redacted, with those that take their place."""
        swaps = {}
        for layer in [layer for layer, found in look.found.items() if found.going.any()]:
            try:
                self.folder.check(layer)  # a leaf must not be made of what somebody changed
                rows = (redacted(each, search.going(each)) for each in self.folder.layer(layer))
                swaps[layer] = self.folder.write(rows)
            except IntegrityError as error:
                look.broken[layer] = str(error)
                del look.found[layer]
            else:
                note_replaced(self.folder.root, layer, swaps[layer])
        return swaps

    def _changed(
        self, record: DataVersionRecord, layers: Layers, n_redacted: int, *, known: bool
    ) -> dict[str, Any]:
        """The columns of a version whose rows lie in other files now."""
        values = {
            "layers": queries.plain(layers),
            "n_redacted": n_redacted,
        }
        if known:  # else the values that went could be worked out from those that stay
            values["label_distribution"] = self._distribution(record.label_distribution, layers)
        return values

    def _distribution(self, told: Any, layers: Layers) -> Any:
        """The histogram of labels, counted again between its edges."""
        if not isinstance(told, dict) or "edges" not in told:
            return told
        edges = np.asarray(told["edges"], np.float64)
        bars = {split: np.zeros(len(edges) - 1, np.int64) for split in Split}
        for batch in self.folder.rows(layers, ("label", "split")):
            there = batch.column("state").to_numpy() == State.PRESENT
            labels = batch.column("label").to_numpy(zero_copy_only=False)[there]
            splits = batch.column("split").to_numpy(zero_copy_only=False)[there]
            for split in Split:
                bars[split] += np.histogram(labels[splits == split], edges)[0]
        return told | {split.name.lower(): bar.tolist() for split, bar in bars.items()}

    def _commit(
        self,
        actor: Actor,
        who: Contributor,
        done: VersionErasure,
        changed: Mapping[int, Mapping[str, Any]],
        told: Told,
    ) -> VersionErasure:
        row, labels = who.technician_row, "delete" if who.deletes else "keep"
        with self.db.write(actor) as tx:
            done = replace(done, recipients=_recipients(tx, row))
            told(tx, done)
            if row is not None:
                queries.set_unreached(tx, row, labels, done.unreached)
            if changed:
                self._exchange(tx, changed)
        return done

    def _exchange(self, tx: Transaction, changed: Mapping[int, Mapping[str, Any]]) -> None:
        """Let the versions name the new files, one event each; the old ones are noted."""
        going = queries.replaced(tx)
        for record in queries.frozen(tx):
            if record.id not in changed:
                continue
            new = dict(changed[record.id])
            queries.change(tx, record.id, **new)
            new.pop("label_distribution", None)  # what it was tells the values that went
            before = {name: getattr(record, name) for name in new}
            going |= {layer["sha256"] for layer in record.layers}
            n_rows = int(new["n_redacted"]) - record.n_redacted
            tx.record(
                AuditEvent(
                    Operation.REDACT, "data_versions", record.id, before, new, n_rows=max(n_rows, 0)
                )
            )
        named = {layer["sha256"] for each in queries.frozen(tx) for layer in each.layers}
        queries.set_replaced(tx, going - named)


def _recipients(view: View, technician_row: int | None) -> tuple[Recipient, ...]:
    return tuple(chain.from_iterable(dataset_exports.recipients(view, technician_row).values()))


def _contributor(
    view: View, technician_row: int | None, identifiers: Iterable[str], *, deletes: bool
) -> Contributor:
    held = frozenset(archives.held_images(view))
    return Contributor(technician_row, tuple(identifiers), deletes, held)
