"""The certificate of an erasure: what was done, by which law, what stays and why; no name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import orjson

from mlmcsc.domain.audit.commitments import timestamp_text
from mlmcsc.domain.backups.holdings import NamedBackups
from mlmcsc.domain.backups.left_behind import LeftBehind
from mlmcsc.domain.permissions import Actor
from mlmcsc.domain.privacy.erased import NOT_REACHED, counted_fields
from mlmcsc.domain.privacy.erasure import erasure_plan
from mlmcsc.domain.privacy.mentions import Mentions
from mlmcsc.domain.privacy.tags import EraseAction
from mlmcsc.domain.versions.redaction import Recipient, unreached_lines
from mlmcsc.errors import IntegrityError, MissingKeyError
from mlmcsc.services.privacy.erasure.outside import held_rows
from mlmcsc.store import schema
from mlmcsc.store.queries.erasure.saga import Saga
from mlmcsc.store.uow import Transaction

FORMAT: Final = "mlmcsc-erasure-certificate-1"


def checkpoint_or_none(
    sign: Callable[[Actor], Mapping[str, Any]], actor: Actor, sagas: Sequence[Saga]
) -> Mapping[str, Any] | None:
    """The signed checkpoint; none where the signing key was destroyed with the people's keys.

    A trail that was tampered with is not signed. That must not keep a person from being erased: the
    certificate says why it has no checkpoint.

    Raises:
        MissingKeyError: The master key that guards the signing key is not here.
    """
    try:
        return sign(actor)
    except IntegrityError as error:
        return {"refused": str(error)}
    except MissingKeyError:
        if all(saga.without_keys for saga in sagas):
            return None
        raise


def signed_certificate(
    tx: Transaction, saga: Saga, words: Mentions, checkpoint: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The certificate of an erasure that was just measured, in the same transaction.

    Its signature is Ed25519 over FORMAT, LF, and the rest as compact JSON with sorted keys. It has
    none where the signing key was destroyed.

    Raises:
        MissingKeyError: The master key that guards the signing key is not here.
    """
    content = _content(tx, saga, words, checkpoint)
    if checkpoint is None:
        return {**content, "key_id": None, "public_key": None, "signature": None}
    key_id, public_key, signature = tx.vault.sign(tx, message(content))
    return {
        **content,
        "key_id": key_id,
        "public_key": public_key.hex(),
        "signature": signature.hex(),
    }


def message(content: Mapping[str, Any]) -> bytes:
    """What is signed."""
    unsigned = {k: v for k, v in content.items() if k not in {"key_id", "public_key", "signature"}}
    return f"{FORMAT}\n".encode() + orjson.dumps(unsigned, option=orjson.OPT_SORT_KEYS)


def _content(
    tx: Transaction, saga: Saga, words: Mentions, checkpoint: Mapping[str, Any] | None
) -> dict[str, Any]:
    steps = [{k: v for k, v in step.items() if k != "carried"} for step in saga.steps]
    fields = [f.to_dict() for f in counted_fields(erasure_plan(saga.labels), counts_of(saga))]
    kept = {EraseAction.ANONYMISE, EraseAction.KEEP, EraseAction.RESTRICT}
    return {
        "format": FORMAT,
        "database_id": schema.read_setting(tx.conn, "database_id"),
        "subject_id": saga.subject_id,
        "request_id": saga.request_id,
        "labels": saga.labels,
        "ground": words.removed(saga.ground),
        "started_at": timestamp_text(saga.started_at),
        "certified_at": timestamp_text(tx.now),
        "steps": steps,
        "fields": fields,
        "kept": [field for field in fields if field["action"] in kept],
        "not_reached": not_reached(saga),
        "measured": {"at": timestamp_text(tx.now), "left": 0},
        "checkpoint": None if checkpoint is None else dict(checkpoint),
    }


def counts_of(saga: Saga) -> Mapping[str, int]:
    """Rows of each place `table.column`, in the database, in archives and in data versions."""
    done = (saga.step(name) or {} for name in ("database", "archives", "versions"))
    return sum((Counter(step.get("counts", {})) for step in done), Counter())


def not_reached(saga: Saga) -> list[str]:
    """What no erasure reaches, and what this one did not."""
    done = saga.step("database") or {}
    special = _in_copies(saga.step("data_keys") or {})
    special += [
        f"{place}: {count} values name the person, and stay as the files lie there."
        for place, count in sorted(done.get("named_in_paths", {}).items())
    ]
    if done.get("names_not_searched"):
        special.append(
            f"{done['names_not_searched']} of the person's names are too short, or words of the "
            "program itself such as 'label', so that nobody can tell them from other words in "
            "free text: look for them by hand."
        )
    if done.get("names_shared"):
        special.append(
            f"{done['names_shared']} of the person's names could be somebody else's, too: what "
            "bears them was left, and they were not searched for in free text."
        )
    special += _under_hold(done)
    if saga.without_keys:
        special.append(
            "Sealed texts, in which the person may be named: the master key of their time is "
            "lost or was destroyed, so that nobody can read or search them, nor the person's "
            "full name in other texts. Where the signing key was lost with it, the certificate is "
            "not signed."
        )
        if not (saga.step("ledger") or {}).get("sha256"):
            special.append(
                "The ledger, as its lines could not be signed: after a restore of a backup this "
                "person is to be erased by hand."
            )
    unread = (saga.step("archives") or {}).get("n_unread")
    if unread:
        special.append(
            f"{unread} sealed notes in archives, whose key is lost: nobody can read or search them."
        )
    versions = saga.step("versions") or {}
    special += held_rows(versions.get("rows_held", 0))
    special += unreached_lines(versions.get("unreached", {}))
    special += [Recipient(**each).told() for each in versions.get("recipients", ())]
    exports = (saga.step("exports") or {}).get("left", {})
    special += [f"Exported file {path}: {why}." for path, why in sorted(exports.items())]
    archives = (saga.step("archives") or {}).get("unknown", [])
    special += [
        f"The folder {name} among the archives, of which this database knows nothing."
        for name in archives
    ]
    return [*NOT_REACHED, *special]


def _under_hold(done: Mapping[str, Any]) -> list[str]:
    """In the database, kept for the sake of others."""
    told = []
    if done.get("under_hold"):
        told.append(f"{done['under_hold']} rows under legal hold keep a mention of the person.")
    if done.get("consensus_held"):
        told.append(
            f"{done['consensus_held']} consensus labels under legal hold rest on deleted "
            "measurements of the person."
        )
    return told


def _in_copies(step: Mapping[str, Any]) -> list[str]:
    """In backups, and in copies that the program keeps."""
    backups = step.get("backups")
    told = () if backups is None else NamedBackups.from_dict(backups).told()
    return [*told, *LeftBehind(**step.get("left_behind", {})).told()]
