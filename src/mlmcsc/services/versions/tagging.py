"""Tags: names that move from version to version."""

from __future__ import annotations

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.events import AuditEvent
from mlmcsc.errors import ConflictError, UnknownRecordError
from mlmcsc.store.models import version_tags
from mlmcsc.store.queries import registers, version_writes
from mlmcsc.store.uow import Transaction


def point(tx: Transaction, tag: str, version_id: int) -> None:
    """Make a tag, or move it; nothing is written where it points there already.

    Raises:
        ConflictError: A version has this name.
    """
    registers.lock(tx, version_tags)
    if version_writes.named(tx, tag) is not None:
        raise ConflictError(f"{tag!r} is the name of a version. Choose another tag.")
    before = version_writes.tagged(tx, tag)
    if before == version_id:
        return
    row_id = version_writes.point_tag(tx, tag, version_id)
    new = {"tag": tag, "version_id": version_id}
    if before is None:
        tx.record(AuditEvent(Operation.CREATE, "version_tags", row_id, new_values=new))
    else:
        old = {"tag": tag, "version_id": before}
        tx.record(AuditEvent(Operation.UPDATE, "version_tags", row_id, old, new))


def remove(tx: Transaction, tags: tuple[str, ...]) -> None:
    """Take tags away.

    Raises:
        UnknownRecordError: One of them is not there.
    """
    registers.lock(tx, version_tags)
    found = version_writes.drop_tags(tx, tags)
    for tag in tags:
        if tag not in found:
            raise UnknownRecordError(f"There is no tag {tag!r}. See `version list`.")
        tx.record(AuditEvent(Operation.DELETE, "version_tags", found[tag], old_values={"tag": tag}))
