"""Finding images that look like earlier ones, by fingerprint."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import orjson
import sqlalchemy as sa

from mlmcsc.domain.image_facts import NEAR_DUPLICATE_DISTANCE, Fingerprint, band_keys, hamming
from mlmcsc.store.models import image_fingerprints, near_duplicates
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

CANDIDATES = 256
"""Newest images compared per key: bounds the work where very many look alike."""

BANDS = 4

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
    buckets = _newest(tx, list(keys.values()))
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


def _newest(tx: Transaction, keys: Sequence[Sequence[int]]) -> list[defaultdict[int, Bucket]]:
    """By band and key, the newest stored fingerprints that have the key, oldest first.

    The work is bounded for each key, however many images share it: an index holds their ids in
    order (in SQLite the id is the row's own, so an index on the key alone does).
    """
    one_band = _SQLITE if tx.dialect.name == "sqlite" else _POSTGRESQL
    found: list[defaultdict[int, Bucket]] = []
    for band in range(BANDS):
        wanted = orjson.dumps(sorted({each[band] for each in keys})).decode()
        bucket: defaultdict[int, Bucket] = defaultdict(list)
        for key, image_id, fine in tx.dialect.execute(
            tx.conn, one_band.format(band=band), [wanted]
        ):
            bucket[key].append((image_id, bytes(fine)))
        for each in bucket.values():
            each.sort()
        found.append(bucket)
    return found


# A range, not `=`: else PostgreSQL, where it takes a key for frequent, walks the primary key
# backwards instead, through the whole table if the key is rare.
_NEWEST = f"""SELECT image_id, fine FROM image_fingerprints
WHERE key{{band}} BETWEEN k.value AND k.value
ORDER BY key{{band}} DESC, image_id DESC LIMIT {CANDIDATES}"""
_SQLITE = f"""SELECT k.value, f.image_id, f.fine
FROM json_each(?) AS k CROSS JOIN image_fingerprints AS f
WHERE f.image_id IN (SELECT image_id FROM ({_NEWEST}))"""
_POSTGRESQL = f"""SELECT k.value, f.image_id, f.fine
FROM (SELECT value::int FROM json_array_elements_text(?::json)) AS k
CROSS JOIN LATERAL ({_NEWEST}) AS f"""


def of(view: View, image_id: int) -> list[tuple[int, int]]:
    """`(other image, distance in bits)` of images that look like this one, nearest first."""
    c = near_duplicates.c
    older = sa.select(c.older_image_id, c.distance).where(c.image_id == image_id)
    newer = sa.select(c.image_id, c.distance).where(c.older_image_id == image_id)
    rows = [(int(r[0]), int(r[1])) for q in (older, newer) for r in view.conn.execute(q)]
    return sorted(rows, key=lambda row: (row[1], row[0]))
