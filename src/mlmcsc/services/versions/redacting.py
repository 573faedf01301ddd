"""Redacting a person's rows in frozen datasets; the roots stay, and old files go.

A version's files are content-addressed, so a redacted file is another file: it is written first,
then one transaction lets every version name it, then the old file is overwritten and removed.
Killed at any point, the next run goes on: what it wrote before has the same name, and what is to be
removed is noted in the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from mlmcsc.adapters.versions import VersionFolder
from mlmcsc.adapters.versions.redacting import SOUGHT, RowSearch, redacted
from mlmcsc.adapters.versions.replaced import newest, note_replaced
from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.records import DataVersionRecord
from mlmcsc.domain.versions.layers import Layer, read_layers
from mlmcsc.domain.versions.redaction import Contribution, Contributor, Tally, VersionErasure
from mlmcsc.domain.versions.rows import State
from mlmcsc.errors import IntegrityError
from mlmcsc.store.queries import archives
from mlmcsc.store.queries.erasure import versions as queries
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Store, Transaction

Layers = tuple[Layer, ...]
Told = Callable[[Transaction, VersionErasure], None]
"""Notes what was done in the transaction that does it."""


@dataclass(frozen=True, slots=True)
class VersionRedaction:
    """Take people out of frozen datasets. Whoever calls has checked that it may be done."""

    db: Store
    folder: VersionFolder

    def plan(
        self,
        technician_row: int | None,
        identifiers: Iterable[str],
        *,
        labels: Literal["keep", "delete"],
    ) -> VersionErasure:
        """What `erase` would do; nothing is changed.

        Args:
            technician_row: The person's id in `technicians`; None if they never labelled.
            identifiers: The names by which annotations may speak of them.
            labels: `delete` redacts rows that rest on their labels, `keep` only those whose
                annotation names them.

        Raises:
            IntegrityError: A file of a version is missing or was changed.
        """
        with self.db.read() as view:
            who = _contributor(view, technician_row, identifiers, deletes=labels == "delete")
            found = [(each, self._there(each)) for each in queries.frozen(view)]
            tallies = self._tallies(RowSearch(who), found)
            going = {name: tally.going for name, tally in tallies.items() if tally.going}
            return VersionErasure(tallies, going, queries.recipients(view, tallies))

    def erase(
        self,
        actor: Actor,
        technician_row: int | None,
        identifiers: Iterable[str],
        *,
        labels: Literal["keep", "delete"],
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
            IntegrityError: A file of a version is missing or was changed; nothing was changed.
            StoreError: A file cannot be written; nothing was changed.
        """
        with self.db.read() as view:
            is_empty = not queries.frozen(view)
        if is_empty:
            return self._commit(actor, VersionErasure(), {}, told)
        with self.folder.locked():
            with self.db.read() as view:
                who = _contributor(view, technician_row, identifiers, deletes=labels == "delete")
                found = [(each, self._there(each)) for each in queries.frozen(view)]
            search = RowSearch(who)
            tallies = self._tallies(search, found)
            swaps = self._rewritten(search, (layer for _, layers in found for layer in layers))
            changed = {
                record.id: self._changed(tuple(swaps.get(one, one) for one in layers))
                for record, layers in found
                if read_layers(record.layers) != tuple(swaps.get(one, one) for one in layers)
            }
            going = {
                record.version: more
                for record, _ in found
                if (more := changed.get(record.id, {}).get("n_redacted", 0) - record.n_redacted) > 0
            }
            return self._commit(actor, VersionErasure(tallies, going), changed, told)

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

        Raises:
            IntegrityError: A file of a version is missing or was changed.
        """
        if technician_row is None:
            return
        search = RowSearch(Contributor(technician_row))
        for record in queries.frozen(view):
            tally = self._tallies(search, [(record, self._there(record))]).get(record.version)
            if tally is not None:
                given = queries.recipients(view, [record.version])
                yield Contribution(record.version, record.root or "", tally.of_person, given)

    def _there(self, record: DataVersionRecord) -> Layers:
        """The version's layers; where a restored database names such as were replaced, these.

        Raises:
            IntegrityError: One is missing.
        """
        return tuple(self._newest(layer) for layer in read_layers(record.layers))

    def _newest(self, layer: Layer) -> Layer:
        there = newest(self.folder.root, layer, lambda sha256: self.folder.place(sha256).is_file())
        if there is None:
            raise IntegrityError(
                f"{self.folder.place(layer.sha256)} is missing, so nobody can tell what it holds. "
                "Restore the folder of versions from a backup."
            )
        return there

    def _tallies(
        self, search: RowSearch, found: Sequence[tuple[DataVersionRecord, Layers]]
    ) -> dict[str, Tally]:
        """By version, of those in which there is something of the person."""
        tallies = {
            record.version: sum(map(search.tally, self.folder.rows(layers, SOUGHT)), Tally())
            for record, layers in found
        }
        return {name: tally for name, tally in tallies.items() if tally != Tally()}

    def _rewritten(self, search: RowSearch, every: Iterable[Layer]) -> dict[Layer, Layer]:
        """The layers that have rows to be redacted, with those that take their place."""
        swaps = {}
        for layer in dict.fromkeys(every):
            if any(search.going(batch).any() for batch in self.folder.layer(layer)):
                self.folder.check(layer)  # a leaf must not be made of what somebody changed
                rows = (redacted(each, search.going(each)) for each in self.folder.layer(layer))
                swaps[layer] = self.folder.write(rows)
                note_replaced(self.folder.root, layer, swaps[layer])
        return swaps

    def _changed(self, layers: Layers) -> dict[str, Any]:
        """The columns of a version whose rows lie in other files now."""
        states = (rows.column("state").to_numpy() for rows in self.folder.rows(layers, ()))
        return {
            "layers": queries.plain(layers),
            "n_redacted": sum(int((each == State.REDACTED).sum()) for each in states),
            "backup_size": sum(layer.n_bytes for layer in layers),
        }

    def _commit(
        self,
        actor: Actor,
        done: VersionErasure,
        changed: Mapping[int, Mapping[str, Any]],
        told: Told,
    ) -> VersionErasure:
        with self.db.write(actor) as tx:
            done = replace(done, recipients=queries.recipients(tx, done.versions | done.redacted))
            told(tx, done)
            if changed:
                self._exchange(tx, changed)
        return done

    def _exchange(self, tx: Transaction, changed: Mapping[int, Mapping[str, Any]]) -> None:
        """Let the versions name the new files, one event each; the old ones are noted."""
        going = queries.replaced(tx)
        for record in queries.frozen(tx):
            if record.id not in changed:
                continue
            new = changed[record.id]
            before = {name: getattr(record, name) for name in new}
            queries.change(tx, record.id, **new)
            going |= {layer["sha256"] for layer in record.layers}
            n_rows = int(new["n_redacted"]) - record.n_redacted
            tx.record(
                AuditEvent(
                    Operation.REDACT, "data_versions", record.id, before, new, n_rows=max(n_rows, 0)
                )
            )
        named = {layer["sha256"] for each in queries.frozen(tx) for layer in each.layers}
        queries.set_replaced(tx, going - named)


def _contributor(
    view: View, technician_row: int | None, identifiers: Iterable[str], *, deletes: bool
) -> Contributor:
    held = frozenset(archives.held_images(view))
    return Contributor(technician_row, tuple(identifiers), deletes, held)
