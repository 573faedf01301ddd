"""Adoption: recognise, lock, back up, rebuild, swap. Killed anywhere, it leaves old or new whole.

The new database is a separate file until one `rename` puts it in the original's place; until
then the original is only read. The exclusive lock on the original is held throughout, so a
second process waits, then finds the new database there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlcipher3.dbapi2 as driver

from mlmcsc.config.logs import logger
from mlmcsc.domain.adoption import AdoptionReport, LeftBehind, render
from mlmcsc.domain.permissions import Actor
from mlmcsc.errors import AdoptionError, StoreError
from mlmcsc.store.adoption import files
from mlmcsc.store.adoption.backup import back_up
from mlmcsc.store.adoption.building import build
from mlmcsc.store.adoption.holding import Held, hold
from mlmcsc.store.adoption.label_range import choose_range
from mlmcsc.store.adoption.ledger import Ledger
from mlmcsc.store.adoption.local_time import TimeRule, time_rule
from mlmcsc.store.adoption.original import counts, is_original, sqlite_file, views_and_triggers
from mlmcsc.store.dialects.filesystem import refuse_network_path
from mlmcsc.store.models import LABEL_RANGE
from mlmcsc.store.uow import utc_now
from mlmcsc.store.vault import Vault


@dataclass(frozen=True, slots=True)
class AdoptionOptions:
    """What the caller decides.

    Attributes:
        label_range: The range asked for; the values show it when None.
        configured_range: The range where there are no values.
        timezone: The zone of the original's clock, where its rows do not show it.
        wait_seconds: How long to wait for other programs that have the file open.
    """

    label_range: tuple[float, float] | None = None
    configured_range: tuple[float, float] = LABEL_RANGE
    timezone: str | None = None
    wait_seconds: float = 30.0


DEFAULTS: Final = AdoptionOptions()


def adopt_if_original(
    url: str, actor: Actor, vault: Vault, options: AdoptionOptions = DEFAULTS
) -> AdoptionReport | None:
    """Turn a database of the original system into one of ours, in its place.

    Args:
        url: Any database URL.
        actor: In whose name the audit event is written.
        vault: Of the database that is made; it seals personal data.
        options: What the caller decides.

    Returns:
        What became of every row; None when `url` is not such a database (any more).

    Raises:
        AdoptionError: It could not be adopted. It was left as it was.
    """
    path = sqlite_file(url)
    if path is None:
        return None
    path = path.resolve()  # behind a symbolic link, so that the link stays
    while is_original(path):
        try:
            refuse_network_path(path)
            with hold(path, options.wait_seconds) as held:
                if held is not None:
                    return _adopt(held, actor, vault, options)
        except (OSError, driver.Error, StoreError) as error:
            raise _plain(path, error) from error
    return None


def _adopt(held: Held, actor: Actor, vault: Vault, options: AdoptionOptions) -> AdoptionReport:
    ledger = Ledger(counts(held.source))
    label_range = choose_range(held.source, options.label_range, options.configured_range, ledger)
    rule = time_rule(held.source, options.timezone)
    if lost := views_and_triggers(held.source):
        ledger.note(f"views and triggers are in the backup only: {', '.join(lost)}")
    backup, backup_sha256 = back_up(held, utc_now())
    written = Path(f"{backup}.report.txt")
    new: Path | None = None
    try:
        facts = {
            "source_sha256": held.sha256,
            "backup": backup.name,
            "backup_sha256": backup_sha256,
            "times": rule.text,
        }
        new = build(held, rule, label_range, ledger, actor, vault, facts)
        report = _report(held, rule, label_range, ledger, (backup, backup_sha256))
        files.create_like(written, held.state)
        written.write_text(render(report), encoding="utf-8", errors="backslashreplace")
        files.flush(written)
        new.replace(held.path)
    except BaseException:
        if new is None or new.exists():  # not swapped: the original is still there
            files.remove(held.path.with_name(f"{held.path.name}.adopting"))
            written.unlink(missing_ok=True)
            backup.unlink()
        raise
    files.flush(held.path.parent)
    totals = {account.table: account.adopted for account in report.tables}
    logger(__name__).info(
        "adopted an original database", path=str(held.path), backup=str(backup), **totals
    )
    return report


def _report(
    held: Held,
    rule: TimeRule,
    label_range: tuple[float, float],
    ledger: Ledger,
    backup: tuple[Path, str],
) -> AdoptionReport:
    return AdoptionReport(
        source=str(held.path),
        source_sha256=held.sha256,
        backup_path=str(backup[0]),
        backup_sha256=backup[1],
        time_rule=rule.text,
        label_range=label_range,
        tables=ledger.accounts(),
        superseded=tuple(sorted(ledger.superseded, key=_place)),
        rejected=tuple(sorted(ledger.rejected, key=_place)),
        notes=ledger.all_notes(),
    )


def _place(row: LeftBehind) -> tuple[str, int]:
    return row.table, row.id


_REPAIRS: Final = {
    "locked": "Close every program that has it open, then open it again.",
    "readonly": "Make the file and its folder writable.",
    "Permission denied": "Make the file and its folder writable.",
    "Read-only file system": "Copy it to a disk that can be written, and open the copy.",
    "unable to open": "Make the file and its folder writable.",
    "full": "Free three times the database's size on that disk.",
    "No space left": "Free three times the database's size on that disk.",
}


def _plain(path: Path, error: Exception) -> AdoptionError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    repair = next((text for key, text in _REPAIRS.items() if key in reason), "")
    return AdoptionError(
        f"{path} was written by the original system and could not be adopted: "
        f"{reason.rstrip('.')}. {repair} It was left as it was.".replace("  ", " ")
    )
