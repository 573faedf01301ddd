"""Opening the sealed texts of events, as far as the reader may see them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from mlmcsc.domain.audit.records import AuditRecord
from mlmcsc.domain.permissions import Actor
from mlmcsc.errors import IntegrityError
from mlmcsc.store.queries.rows import View

FIELDS = ("reason", "ip_address", "user_agent", "old_values", "new_values")


def revealed(view: View, actor: Actor, events: Sequence[AuditRecord]) -> list[AuditRecord]:
    """The events with `[withheld]` or `[erased]` where the reader may or can not see.

    An event whose sealed text was changed is shown as it is stored, and marked as damaged: one
    forged row must not hide the others.

    Raises:
        MissingKeyError: The master key is not here.
    """
    return _opened(view.vault.reveal_json, view, actor, events)


def shown(view: View, actor: Actor, events: Sequence[AuditRecord]) -> list[AuditRecord]:
    """As `revealed`, to look at: where no master key is configured, `[sealed]` stands for texts.

    Raises:
        MissingKeyError: There is a key, or one was named, and it does not serve.
    """
    return _opened(view.vault.show_json, view, actor, events)


def _opened(
    how: Callable[[View, Actor, Any], Any], view: View, actor: Actor, events: Sequence[AuditRecord]
) -> list[AuditRecord]:
    documents = [[getattr(event, name) for name in FIELDS] for event in events]
    try:
        opened = how(view, actor, documents)
    except IntegrityError:
        if len(events) == 1:
            return [replace(events[0], damaged=(*events[0].damaged, "sealed text"))]
        return [each for event in events for each in _opened(how, view, actor, [event])]
    return [
        replace(event, **dict(zip(FIELDS, texts, strict=True)))
        for event, texts in zip(events, opened, strict=True)
    ]
