"""Places of backups: a folder, or a bucket."""

from mlmcsc.adapters.backup_store.local import LocalStore
from mlmcsc.adapters.backup_store.opening import open_store
from mlmcsc.adapters.backup_store.s3 import S3Store
from mlmcsc.adapters.backup_store.store import BackupStore, Entry, Lease

__all__ = ["BackupStore", "Entry", "Lease", "LocalStore", "S3Store", "open_store"]
