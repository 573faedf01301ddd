"""What backups need of a database besides its rows: folders, files, settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mlmcsc.adapters.ledger import ErasureLedger
from mlmcsc.config.sections import BackupSection
from mlmcsc.domain.backups.keeping import Periods
from mlmcsc.domain.backups.manifest import Kind
from mlmcsc.errors import UnsupportedError
from mlmcsc.services.backups.gathering import Roots


@dataclass(frozen=True, slots=True)
class BackupPlaces:
    """What all of it is about.

    Attributes:
        default: Folder of backups; None for a server whose settings name none.
        backup: The settings `backup.*`.
        configuration: The settings in force as a JSON file, without secrets.
        roots: Folders of versions and archives.
        ledger: The erasure ledger.
        keep_data_keys: Brings the file of people's data keys up to date.
        release: The mlmcsc that is running.
    """

    default: Path | None
    backup: BackupSection
    configuration: bytes
    roots: Roots
    ledger: ErasureLedger
    keep_data_keys: Callable[[], object]
    release: str

    @property
    def periods(self) -> Periods:
        """How long backups are kept."""
        backup = self.backup
        return Periods(
            backup.retention_days, backup.keep_weekly, backup.keep_monthly, backup.keep_yearly
        )

    def place(self, to: str | Path | None, kind: Kind = "manual") -> str | Path:
        """Where backups lie: where the caller says, else where the settings say.

        Args:
            to: A folder or `s3://bucket/prefix`.
            kind: Scheduled ones go to `backup.remote` where that is set.

        Raises:
            UnsupportedError: Nobody says where.
        """
        if to is not None:
            return to
        if kind == "scheduled" and self.backup.remote is not None:
            return self.backup.remote
        if self.default is None:
            raise UnsupportedError(
                "This database has no file to keep backups beside. Say where they go with --to "
                "FOLDER or --to s3://bucket/prefix (in Python: to=…), or set backup.directory to "
                "an absolute path that every computer sees."
            )
        return self.default
