"""Rows on their way into archives and back, and the table that says which archives there are."""

from mlmcsc.store.queries.archives.incoming import bring_in, settle
from mlmcsc.store.queries.archives.outgoing import move_out, outgoing, plan
from mlmcsc.store.queries.archives.register import (
    by_name,
    change,
    enter,
    erased_people,
    erasure_under_way,
    every,
    held_images,
    identity,
    left_over,
    set_unfinished,
    unfinished,
)
from mlmcsc.store.queries.archives.shape import columns

__all__ = [
    "bring_in",
    "by_name",
    "change",
    "columns",
    "enter",
    "erased_people",
    "erasure_under_way",
    "every",
    "held_images",
    "identity",
    "left_over",
    "move_out",
    "outgoing",
    "plan",
    "set_unfinished",
    "settle",
    "unfinished",
]
