"""Whose labels and which specimens a version holds, for the legal holds that keep it."""

from __future__ import annotations

from dataclasses import dataclass

from mlmcsc.adapters.versions import VersionFolder
from mlmcsc.domain.records import DataVersionRecord
from mlmcsc.domain.versions.layers import read_layers
from mlmcsc.errors import IntegrityError
from mlmcsc.store.queries.erasure import held
from mlmcsc.store.queries.rows import View


@dataclass(frozen=True, slots=True)
class HeldRows:
    """What legal holds may be on.

    Attributes:
        version: Its name.
        technicians: Row ids of those on whose labels its rows rest.
        specimens: Of its images; None where its rows cannot be read.
    """

    version: str
    technicians: frozenset[int]
    specimens: frozenset[str] | None

    def refuse(self, view: View) -> None:
        """Refuse to delete them.

        Raises:
            HeldError: A legal hold is in force on one of them, or may be.
        """
        held.refuse_held_rows(view, self.version, self.technicians, self.specimens)


def held_rows(folder: VersionFolder, record: DataVersionRecord) -> HeldRows:
    """Read them once; judged again in the transaction that deletes."""
    import pyarrow.compute as pc  # noqa: PLC0415  # heavy: loads only for versions

    technicians, specimens = set[int](), set[str]()
    try:
        layers = read_layers(record.layers) if record.frozen else ()
        for batch in folder.rows(layers, ("technician_ids", "specimen_id")) if layers else ():
            technicians |= {*pc.unique(pc.list_flatten(batch.column("technician_ids"))).to_pylist()}
            specimens |= {*pc.unique(batch.column("specimen_id").drop_null()).to_pylist()}
    except IntegrityError:
        return HeldRows(record.version, frozenset(), None)
    return HeldRows(record.version, frozenset(technicians), frozenset(specimens))
