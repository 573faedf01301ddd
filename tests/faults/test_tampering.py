"""Whatever an attacker with every right does to the trail is found by a checkpoint kept outside.

The attacker drops the triggers, knows every formula and recomputes commitments, leaves and places;
what they lack is the signing key and the file that lies elsewhere.
"""

from __future__ import annotations

import random
from dataclasses import replace

from mlmcsc.domain.audit import commitments
from mlmcsc.domain.audit.findings import Verdict
from mlmcsc.domain.audit.recomputing import StoredEvent
from mlmcsc.services.audit_proof.verifying import judged

MANY = 10_000

VALUES = [
    None,
    0,
    1,
    -1,
    7,
    2**62,
    0.5,
    "",
    "x",
    "null",
    "{}",
    '{"label":0.9}',
    "eve",
    b"",
    b"x",
    bytes(32),
]


def committed_again(event):
    """The event with commitments that fit its values, as a knowing attacker makes them."""
    who, payload = event.who_commit, event.payload_commit
    try:
        if event.who_salt is not None:
            who = commitments.who_commit(
                event.who_salt, event.user_id, event.reason, event.ip_address, event.user_agent
            )
        if event.payload_salt is not None:
            payload = commitments.payload_commit(
                event.payload_salt, event.old_values, event.new_values
            )
        leaf = commitments.leaf(*event[1:9], who, payload)
    except (TypeError, AttributeError):
        return event
    return event._replace(who_commit=who, payload_commit=payload, leaf=leaf)


def in_order(rows):
    """Places given anew."""
    return [row._replace(seq=seq) for seq, row in enumerate(rows)]


def edit(rows, chance):
    at = chance.randrange(len(rows))
    field = chance.choice([f for f in StoredEvent._fields if f != "seq"])
    numbers = field == "id"  # which no database takes for anything else
    value = chance.choice(
        [v for v in VALUES if v != getattr(rows[at], field) and (type(v) is int or not numbers)]
    )
    changed = rows[at]._replace(**{field: value})
    if chance.random() < 0.5:
        changed = committed_again(changed)
    if changed == rows[at] or _is_null_of_null(rows[at], changed):
        return edit(rows, chance)
    return [*rows[:at], changed, *rows[at + 1 :]]


def _is_null_of_null(before, after):
    """The reader turns the JSON text null, which nobody writes, into one that fits nothing."""
    return any(
        getattr(before, name) is None and getattr(after, name) == "null"
        for name in ("old_values", "new_values")
    )


def delete(rows, chance):
    first = chance.randrange(len(rows))
    left = rows[:first] + rows[first + chance.randint(1, 4) :]
    return in_order(left) if chance.random() < 0.5 else left


def insert(rows, chance):
    at = chance.randrange(len(rows))
    forged = chance.choice(rows)._replace(id=chance.randint(1, 10_000), user_id="eve")
    every = [*rows[:at], committed_again(forged), *rows[at:]]
    return in_order(every) if chance.random() < 0.7 else every


def reorder(rows, chance):
    one, other = chance.sample(range(len(rows)), 2)
    every = list(rows)
    every[one], every[other] = every[other], every[one]
    return in_order(every)


def truncate(rows, chance):
    return rows[: -chance.randint(1, len(rows))]


ATTACKS = [edit, delete, insert, reorder, truncate]


def attacked(laboratory, seed):
    """The trail after one random attack, with checkpoints removed that would tell."""
    chance = random.Random(seed)  # noqa: S311  # repeatable, not secret
    attack = ATTACKS[seed % len(ATTACKS)]
    rows = attack(laboratory.rows, chance)
    stored = list(laboratory.held.checkpoints)
    if chance.random() < 0.3:
        stored = stored[: chance.randrange(len(stored) + 1)]
    tail = laboratory.tail if chance.random() < 0.5 else []
    held = replace(laboratory.held, placed=[rows], unplaced=[tail], checkpoints=stored)
    return attack.__name__, held


def unfound(laboratory, seeds):
    return [
        (seed, name)
        for seed in seeds
        for name, held in [attacked(laboratory, seed)]
        if judged(held, laboratory.outside, None, laboratory.verify).verdict != Verdict.TAMPERED
    ]


def test_the_untouched_trail_is_intact(laboratory):
    report = judged(laboratory.held, laboratory.outside, None, laboratory.verify)

    assert report.verdict is Verdict.INTACT
    assert report.covered == laboratory.outside.tree_size == len(laboratory.rows)
    assert report.redacted_payload == 3


def test_ten_thousand_random_attacks_are_all_found(laboratory):
    assert unfound(laboratory, range(MANY)) == []
