"""Whether a backup may be believed, and whether all that it needs is here; nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence

from mlmcsc.adapters.ledger import ErasureLedger
from mlmcsc.domain.backups.restoring import Wishes
from mlmcsc.domain.privacy.data_keys import DataKeys
from mlmcsc.domain.privacy.erased import LedgerEntry
from mlmcsc.errors import ConflictError, IntegrityError, MissingKeyError
from mlmcsc.services.restores.ports import House, LiveFacts, Restored, Source
from mlmcsc.store.vault import key_id


def refuse_another(source: Source, live: LiveFacts | None, *, elsewhere: bool) -> str | None:
    """A backup of one database never takes the place of another, but for the one before it.

    Returns:
        What to warn of: a safety backup goes back although what is there is another database.

    Raises:
        ConflictError: It would.
    """
    manifest = source.manifest
    if manifest is None or live is None or elsewhere or manifest.database_id == live.database_id:
        return None
    both = f"is of the database {manifest.database_id}, and what is there is {live.database_id}"
    if manifest.kind == "safety":
        return f"ANOTHER DATABASE goes: the backup {both}"
    raise ConflictError(
        f"The backup {source.name} {both}; nothing was changed. Restore it elsewhere with "
        "--to PATH."
    )


def is_trusted(
    source: Source, live: LiveFacts | None, kept: DataKeys | None, wishes: Wishes
) -> bool:
    """Whether the signature is known to be the database's; False: the restored one must tell.

    Raises:
        IntegrityError: It is another's.
    """
    if source.manifest is None or source.public_key is None:
        return True  # nothing is signed, as the plan says
    found = key_id(source.public_key)
    if wishes.trust is not None:
        if wishes.trust.lower() != found:
            raise IntegrityError(
                f"The backup {source.name} is signed with the audit key {found}, not with "
                f"{wishes.trust}; nothing was changed."
            )
        return True
    same = live is not None and live.database_id == source.manifest.database_id
    if live is not None and same:
        _refuse_other(source, found, key_id(live.public_key), "the live database's")
    if kept is not None:
        _refuse_other(source, found, key_id(bytes.fromhex(kept.public_key)), "the one kept")
    return same or kept is not None


def _refuse_other(source: Source, found: str, wanted: str, whose: str) -> None:
    if found != wanted:
        raise IntegrityError(
            f"The backup {source.name} is signed with the audit key {found}, and {whose} is "
            f"{wanted}: it may be forged; nothing was changed. If you know better, add --trust "
            f"{found}."
        )


def prove_by_master_key(source: Source, restored: Restored) -> None:
    """The restored database's signing key is the signer's, and opens under our master key.

    Raises:
        IntegrityError: It is not, or cannot be told.
    """
    public_key = source.public_key or b""
    try:
        with restored.db.read() as view:
            is_ours = view.vault.sign(view, b"")[1] == public_key == view.vault.public_key(view)
    except MissingKeyError as error:
        raise IntegrityError(
            f"Nobody vouches for the backup {source.name}: there is neither the live database, nor "
            f"its file of data keys, nor the master key ({error}). Nothing was changed. Put one "
            f"back, or add --trust {key_id(public_key)} if you know that this is its audit key."
        ) from None
    if not is_ours:
        raise IntegrityError(
            f"The backup {source.name} is not signed by the database in it: it may be forged; "
            "nothing was changed."
        )


def check_data_keys(source: Source, kept: DataKeys | None, wishes: Wishes) -> None:
    """A set has no data keys of people: they must lie beside the ledger.

    Raises:
        MissingKeyError: They do not, and names are wanted.
    """
    if source.manifest is None or kept is not None or wishes.without_names:
        return
    raise MissingKeyError(
        f"The file of data keys {source.manifest.database_id}.datakeys.json is missing: without it "
        "people's names and notes stay unreadable for good. Nothing was changed. Put back a copy "
        "of the file, beside the key file; or add --without-names if measurements are enough."
    )


def check_ledger(
    house: House,
    source: Source,
    live: LiveFacts | None,
    kept: DataKeys | None,
    wishes: Wishes,
) -> int | None:
    """Whether erasures can be replayed: the ledger must be there, whole, and no older.

    Returns:
        How many lines the ledger has beyond the backup's; None: go on without it.

    Raises:
        IntegrityError: It is missing, cut, or older than the backup.
    """
    manifest = source.manifest
    if manifest is None or source.public_key is None:
        return None  # the restored database itself tells whose ledger it is
    public_key, verify = source.public_key, house.crypto.verify
    known = {manifest.ledger.head}
    if live is not None and live.database_id == manifest.database_id:
        known |= live.ledger_lines
    ledger = house.ledger(manifest.database_id)
    try:
        if not may_be_absent(manifest.ledger.lines, live, kept):
            refuse_missing(ledger)
        entries = ledger.entries(lambda text, sig: verify(public_key, sig, text), known)
        _refuse_older(ledger, entries, kept)
    except IntegrityError as error:
        if wishes.without_ledger is not None:
            return None
        raise IntegrityError(f"{error} {WITHOUT}") from None
    return len(entries) - manifest.ledger.lines


def _refuse_older(
    ledger: ErasureLedger, entries: Sequence[LedgerEntry], kept: DataKeys | None
) -> None:
    """Whoever is erased has a line in the ledger before their data key goes."""
    last = {entry.subject_id: entry for entry in entries}
    erased = {who for who, entry in last.items() if not entry.withdrawn}
    lost = set() if kept is None else kept.forgotten - erased
    if lost:
        raise IntegrityError(
            f"The erasure ledger {ledger.path} is older than the file of data keys: it lacks "
            f"{len(lost)} of those who were erased. Put back a good copy of the file."
        )


WITHOUT = (
    "Nothing was changed. Without the ledger, people who were erased after the backup come back "
    "unnoticed; if you answer for that, add --without-ledger and --reason."
)


def refuse_missing(ledger: ErasureLedger) -> None:
    """Refuse where there is no ledger: nobody could tell who was erased after the backup.

    Raises:
        IntegrityError: There is none.
    """
    if ledger.path is not None and not ledger.path.exists():
        raise IntegrityError(
            f"The erasure ledger {ledger.path} is missing. Put back a copy of the file."
        )


def may_be_absent(lines: int, live: LiveFacts | None, kept: DataKeys | None) -> bool:
    """Whether it is known from elsewhere that nobody was ever erased, so that there is no ledger.

    Every erasure leaves its trace in the live database and in the file of data keys, too.
    """
    somebody = (live is not None and live.ledger_lines) or (kept is not None and kept.forgotten)
    return lines == 0 and not somebody and (live is not None or kept is not None)
