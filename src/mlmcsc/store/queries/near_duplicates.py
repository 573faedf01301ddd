"""Finding images that look like earlier ones, by fingerprint."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from mlmcsc.domain.image_facts import NEAR_DUPLICATE_DISTANCE, Fingerprint, band_keys, hamming
from mlmcsc.store.models import image_fingerprints, near_duplicates
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

CANDIDATES = 256
"""Newest images compared per key: bounds the work where very many look alike."""

Bucket = list[tuple[int, bytes]]


def link(tx: Transaction, fingerprints: Mapping[int, Fingerprint]) -> dict[int, int]:
    """Store new images' fingerprints and their links to older look-alikes.

    Args:
        tx: The open transaction.
        fingerprints: By image id, ascending.

    Returns:
        The nearest older look-alike of each image that has one.
    """
    keys = {image_id: band_keys(f.coarse) for image_id, f in fingerprints.items()}
    buckets = [_bucket(tx, band, [k[band] for k in keys.values()]) for band in range(4)]
    links: list[tuple[int, int, int]] = []
    nearest = {}
    for image_id, fingerprint in fingerprints.items():
        near: dict[int, int] = {}
        for band, key in enumerate(keys[image_id]):
            for other, fine in buckets[band][key][-CANDIDATES:]:
                if other not in near:
                    near[other] = hamming(fingerprint.fine, fine)
            buckets[band][key].append((image_id, fingerprint.fine))
        near = {other: d for other, d in near.items() if d <= NEAR_DUPLICATE_DISTANCE}
        links += [(image_id, other, distance) for other, distance in near.items()]
        if near:
            nearest[image_id] = min(near, key=lambda other: (near[other], other))
    insert = tx.dialect.insert_rows
    if fingerprints:
        prints = [(i, f.coarse, f.fine, *keys[i]) for i, f in fingerprints.items()]
        insert(tx.conn, image_fingerprints, image_fingerprints.c.keys(), prints)
    if links:
        insert(tx.conn, near_duplicates, near_duplicates.c.keys(), links)
    return nearest


def _bucket(tx: Transaction, band: int, keys: Sequence[int]) -> defaultdict[int, Bucket]:
    """The newest stored fingerprints with these keys, oldest first."""
    c = image_fingerprints.c
    key = c[f"key{band}"]
    recency = sa.func.row_number().over(partition_by=key, order_by=c.image_id.desc())
    ranked = (
        sa.select(key.label("key"), c.image_id, c.fine, recency.label("recency"))
        .where(tx.dialect.ids_in(key, sorted(set(keys))))
        .subquery()
    )
    query = (
        sa.select(ranked.c.key, ranked.c.image_id, ranked.c.fine)
        .where(ranked.c.recency <= CANDIDATES)
        .order_by(ranked.c.image_id)
    )
    found: defaultdict[int, Bucket] = defaultdict(list)
    for row in tx.conn.execute(query):
        found[row.key].append((row.image_id, row.fine))
    return found


def of(view: View, image_id: int) -> list[tuple[int, int]]:
    """`(other image, distance in bits)` of images that look like this one, nearest first."""
    c = near_duplicates.c
    older = sa.select(c.older_image_id, c.distance).where(c.image_id == image_id)
    newer = sa.select(c.image_id, c.distance).where(c.older_image_id == image_id)
    rows = [(int(r[0]), int(r[1])) for q in (older, newer) for r in view.conn.execute(q)]
    return sorted(rows, key=lambda row: (row[1], row[0]))
