"""Opening the sealed texts of events, as far as the reader may see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mlmcsc.domain.audit.records import AuditRecord
from mlmcsc.domain.permissions import Actor
from mlmcsc.errors import IntegrityError
from mlmcsc.store.queries.rows import View

FIELDS = ("reason", "ip_address", "user_agent", "old_values", "new_values")


def revealed(view: View, actor: Actor, events: Sequence[AuditRecord]) -> list[AuditRecord]:
    """The events with `[withheld]`, `[erased]` or `[sealed]` where the reader may or can not see.

    An event whose sealed text was changed is shown as it is stored, and marked as damaged: one
    forged row must not hide the others.
    """
    documents = [[getattr(event, name) for name in FIELDS] for event in events]
    try:
        opened = view.vault.show_json(view, actor, documents)
    except IntegrityError:
        if len(events) == 1:
            return [replace(events[0], damaged=(*events[0].damaged, "sealed text"))]
        return [each for event in events for each in revealed(view, actor, [event])]
    return [
        replace(event, **dict(zip(FIELDS, texts, strict=True)))
        for event, texts in zip(events, opened, strict=True)
    ]
