"""What later steps still need of the person's names, after these are gone from the tables.

It is kept in `erasures.steps`, encrypted with the master key, until the erasure is finished: an
interrupted one could not find the person in the archives otherwise, nor the exported files.
"""

from __future__ import annotations

import base64
from dataclasses import asdict, dataclass
from typing import Any, Final

import orjson

from mlmcsc.store.queries.erasure.saga import Saga
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

PLACE: Final = b"erasures.steps/"


@dataclass(frozen=True, slots=True)
class Carried:
    """Names, and exported files.

    Attributes:
        identifiers: Staff number, logins, e-mail address and full name.
        exports: `path` and `sha256` of each exported file that holds rows of the person.
        subject_ids: Every random id of theirs.
        shared: Names that could mean somebody else, and are not searched for.
    """

    identifiers: tuple[str, ...]
    exports: tuple[dict[str, str], ...]
    subject_ids: tuple[str, ...]
    shared: tuple[str, ...] = ()

    def sealed(self, tx: Transaction, subject_id: str) -> dict[str, str]:
        """As it is kept.

        Raises:
            MissingKeyError: The master key is not here.
        """
        master = tx.vault.keys(tx).current()
        text = orjson.dumps(asdict(self))
        sealed = tx.vault.crypto.encrypt(master.key, text, PLACE + subject_id.encode())
        return {"key_id": master.key_id, "sealed": base64.b64encode(sealed).decode()}


def carried_by(view: View, saga: Saga) -> Carried | None:
    """What an erasure carries; None before its database step and after its end.

    Raises:
        MissingKeyError: The master key of that time is not here any more.
    """
    kept: Any = (saga.step("database") or {}).get("carried")
    if kept is None:
        return None
    master = view.vault.keys(view).get(kept["key_id"])
    sealed = base64.b64decode(kept["sealed"])
    plain = view.vault.crypto.decrypt(master.key, sealed, PLACE + saga.subject_id.encode())
    document = orjson.loads(plain)
    return Carried(**{name: tuple(values) for name, values in document.items()})


def without_carried(saga: Saga) -> list[dict[str, Any]]:
    """The steps when nothing is needed any more."""
    return [{k: v for k, v in step.items() if k != "carried"} for step in saga.steps]
