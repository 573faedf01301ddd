"""The tree over the stored leaves, never used before it agrees with what was signed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from mlmcsc.domain.audit.checkpoint import Checkpoint
from mlmcsc.domain.audit.merkle import GrowingTree, ProvingTree
from mlmcsc.domain.audit.recomputing import Row, StoredEvent, differences, recomputed_leaves
from mlmcsc.errors import ConflictError, IntegrityError
from mlmcsc.store.queries import audit_rows, audit_tree
from mlmcsc.store.queries.rows import View

CHANGED = "The audit trail was changed; nothing was signed or proven. Run `mlmcsc audit verify`."
_SEQ, _ID = StoredEvent._fields.index("seq"), StoredEvent._fields.index("id")


def newest_checkpoint(view: View) -> Checkpoint:
    """The largest stored checkpoint.

    Raises:
        ConflictError: There is none.
    """
    stored = audit_tree.checkpoints(view)
    if not stored:
        raise ConflictError("There is no checkpoint yet. Make one with `mlmcsc audit checkpoint`.")
    return stored[-1]


def root_to_sign(view: View, size: int) -> bytes:
    """The root over the first `size` events, each leaf made anew from what the event says.

    Raises:
        IntegrityError: An event was changed, or the trail does not agree with an earlier
            checkpoint.
    """
    tree = GrowingTree()
    earlier = {c.tree_size: c for c in audit_tree.checkpoints(view) if c.tree_size <= size}
    wanted = sorted(earlier, reverse=True)
    roots: dict[int, bytes] = {}
    with closing(audit_rows.placed(view)) as parts:
        for rows in parts:
            rest = sound_leaves([row for row in rows if _is_below(size, row[_SEQ])])
            while wanted and wanted[-1] <= tree.size + len(rest):
                at = wanted.pop() - tree.size
                tree.extend(rest[:at])
                rest = rest[at:]
                roots[tree.size] = tree.root()
            tree.extend(rest)
    for at_size, root in roots.items():
        _same(root, earlier[at_size])
    if tree.size != size or wanted:
        raise IntegrityError(f"{size} events have a place, but {tree.size} are left. {CHANGED}")
    return tree.root()


def sound_leaves(rows: Sequence[Row]) -> list[bytes]:
    """The leaf of each event, made anew from its values.

    Raises:
        IntegrityError: An event is not what was committed to.
    """
    leaves = [leaf for leaf in recomputed_leaves(rows) if leaf is not None]
    if len(leaves) < len(rows):
        row, told = differences(rows)[0]
        raise IntegrityError(f"Audit event {row[_ID]}: {'; '.join(told)}. {CHANGED}")
    return leaves


def _is_below(size: int, seq: object) -> bool:
    return isinstance(seq, int) and 0 <= seq < size


def proving_tree(view: View, checkpoint: Checkpoint) -> ProvingTree:
    """The whole tree of a checkpoint, 64 bytes of memory for each event.

    Raises:
        IntegrityError: The trail does not agree with the checkpoint.
    """
    leaves = (leaf for part in audit_tree.leaves(view, checkpoint.tree_size) for leaf in part)
    joined = b"".join(leaves)
    if len(joined) != 32 * checkpoint.tree_size:
        raise IntegrityError(f"Leaves are missing. {CHANGED}")
    tree = ProvingTree(joined)
    _same(tree.root(), checkpoint)
    return tree


def _same(root: bytes, checkpoint: Checkpoint) -> None:
    if root.hex() != checkpoint.root_hash:
        raise IntegrityError(
            f"The trail does not agree with the checkpoint of {checkpoint.timestamp} over "
            f"{checkpoint.tree_size} events. {CHANGED}"
        )
