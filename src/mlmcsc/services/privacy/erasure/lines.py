"""The lines of an erasure in the ledger: written before it, withdrawn if it is taken back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from mlmcsc.adapters.ledger import ErasureLedger
from mlmcsc.domain.audit.commitments import timestamp_text
from mlmcsc.domain.privacy.erased import LedgerEntry
from mlmcsc.errors import MissingKeyError
from mlmcsc.store import schema
from mlmcsc.store.queries.erasure import known
from mlmcsc.store.queries.erasure.saga import Saga
from mlmcsc.store.queries.rows import View


def ledger_check(view: View) -> Callable[[bytes, bytes], bool]:
    """Whether a line of the ledger was signed by this database."""
    public_key, verify = view.vault.public_key(view), view.vault.crypto.verify
    return lambda message, signature: verify(public_key, signature, message)


def write_lines(view: View, ledger: ErasureLedger, begun: Saga, moment: datetime) -> dict[str, str]:
    """A line for each subject id of the person; gives the SHA-256 of each.

    None where the signing key was lost with the person's: nobody could believe the lines.

    Raises:
        MissingKeyError: The master key that guards the signing key is not here.
    """
    try:
        view.vault.sign(view, b"")
    except MissingKeyError:
        if begun.without_keys:
            return {}
        raise
    rows = {begun.subject_id: begun.technician_row}
    rows |= dict.fromkeys(known.person_of(view, begun).aliases)
    database_id = str(schema.read_setting(view.conn, "database_id"))
    at = timestamp_text(moment)
    return {
        who: _append(view, ledger, LedgerEntry(database_id, who, row, begun.labels, at))
        for who, row in rows.items()
    }


def withdraw_lines(view: View, ledger: ErasureLedger, begun: Saga, moment: datetime) -> None:
    """A line for each that was written: a restored backup is not to be erased by it."""
    theirs = {begun.subject_id, *known.person_of(view, begun).aliases}
    for entry in in_force(ledger.entries(ledger_check(view))):
        if entry.subject_id in theirs:
            withdrawn = replace(entry, erased_at=timestamp_text(moment), withdrawn=True)
            _append(view, ledger, withdrawn)


def in_force(entries: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """The last entry of each person, unless it withdraws the one before."""
    last = {entry.subject_id: entry for entry in entries}
    return [entry for entry in last.values() if not entry.withdrawn]


def _append(view: View, ledger: ErasureLedger, entry: LedgerEntry) -> str:
    return ledger.append(entry, lambda text: view.vault.sign(view, text)[2], ledger_check(view))
