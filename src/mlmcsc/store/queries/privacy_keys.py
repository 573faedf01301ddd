"""Which master keys wrap what in this database, and wrapping it anew."""

from __future__ import annotations

import base64

import sqlalchemy as sa

from mlmcsc.domain.sealing import MasterKey
from mlmcsc.store.key_settings import SIGNING_KEY
from mlmcsc.store.models import erasures, settings, subjects
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction
from mlmcsc.store.vault import SIGNING_CONTEXT

_s = subjects.c


def people_by_key(view: View) -> dict[str, int]:
    """How many people's data keys each master key wraps."""
    query = (
        sa.select(_s.key_id, sa.func.count())
        .where(_s.wrapped_key.is_not(None))
        .group_by(_s.key_id)
        .order_by(_s.key_id)
    )
    return {str(key): int(count) for key, count in view.conn.execute(query)}


def in_use(view: View) -> set[str]:
    """Ids of the master keys without which something here cannot be opened."""
    return {*people_by_key(view), view.vault.signing_key(view)[0]}


def erasure_unfinished(view: View) -> bool:
    """Whether an interrupted erasure still keeps names, sealed with the master key."""
    query = sa.select(erasures.c.id).where(erasures.c.finished_at.is_(None)).limit(1)
    return view.conn.execute(query).first() is not None


def alone(tx: Transaction) -> None:
    """Wait for others who admit people or rotate keys, and make them wait."""
    tx.dialect.lock_table(tx.conn, subjects)


def rewrap_people(tx: Transaction, new: MasterKey, limit: int) -> list[tuple[int, str]]:
    """Wrap up to `limit` people's data keys by `new`, of those that another key wraps.

    Returns:
        The rows, ascending, each with the id of the key that wrapped it before.

    Raises:
        MissingKeyError: That key is not here.
        IntegrityError: A wrapped key was changed.
    """
    vault = tx.vault
    keys = vault.keys(tx)
    older: dict[str, MasterKey] = {}
    query = (
        sa.select(_s.id, _s.subject_id, _s.wrapped_key, _s.key_id)
        .where(_s.wrapped_key.is_not(None), _s.key_id != new.key_id)
        .order_by(_s.id)
        .limit(limit)
    )
    changed = []
    for row in tx.conn.execute(query).all():
        if row.key_id not in older:
            older[row.key_id] = keys.get(row.key_id)
        who = row.subject_id.encode()
        plain = vault.crypto.decrypt(older[row.key_id].key, row.wrapped_key, who)
        wrapped = vault.crypto.encrypt(new.key, plain, who)
        changed.append({"row_id": row.id, "wrapped": wrapped, "before": row.key_id})
    if changed:
        statement = (
            subjects.update()
            .where(_s.id == sa.bindparam("row_id"))
            .values(wrapped_key=sa.bindparam("wrapped"), key_id=new.key_id)
        )
        tx.conn.execute(
            statement, [{"row_id": c["row_id"], "wrapped": c["wrapped"]} for c in changed]
        )
    return [(int(c["row_id"]), str(c["before"])) for c in changed]


def rewrap_signing_key(tx: Transaction, new: MasterKey) -> bool:
    """Wrap the signing key by `new`; whether another key wrapped it before."""
    wrapped_by, sealed = tx.vault.signing_key(tx)
    if wrapped_by == new.key_id:
        return False
    old = tx.vault.keys(tx).get(wrapped_by)
    crypto = tx.vault.crypto
    seed = crypto.decrypt(old.key, sealed, SIGNING_CONTEXT)
    wrapped = base64.b64encode(crypto.encrypt(new.key, seed, SIGNING_CONTEXT)).decode()
    tx.conn.execute(
        settings.update()
        .where(settings.c.key == SIGNING_KEY)
        .values(value={"key_id": new.key_id, "wrapped": wrapped})
    )
    return True
