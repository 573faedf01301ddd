"""What the disk or SQLite refuse during a restore, as an error that says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlcipher3.dbapi2 as driver

from mlmcsc.errors import MlmcscError, StoreError


@contextmanager
def refusals(shown: str) -> Iterator[None]:
    """Whatever no other place has told better.

    Raises:
        StoreError: The disk or SQLite refused.
    """
    try:
        yield
    except MlmcscError:  # some are OSErrors, too
        raise
    except (OSError, driver.Error) as error:
        raise StoreError(
            f"Restoring {shown} failed: {error}. The database is whole, as it was or as it is in "
            "the backup. Check the disk, then repeat."
        ) from error
