"""What a bundle tells its reader in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mlmcsc.domain.audit.checkpoint import Checkpoint

PROVES: Final = (
    (
        "Each event was in the database's audit trail when the checkpoint was signed, at this"
        " place, with these fields, this time and these values; nothing of it was changed "
        "since."
    ),
    (
        "Who acted: events with the same subject_id were made by the same person. Where `who`"
        " is disclosed, also the login and the reason."
    ),
    (
        "A batch event (record_id null) proves that n_rows rows of its table with the ids it "
        "names were written at that time. Its digest commits to all rows of the batch "
        "together: with the whole batch anyone can recompute it (SHA-256 of the rows as one "
        "compact JSON array)."
    ),
)
DOES_NOT_PROVE: Final = (
    (
        "That these are all events of the record: events can be left out of a bundle. The "
        "whole trail is checked with `mlmcsc audit verify`."
    ),
    (
        "The values of a single row of a batch: the batch event does not contain them, and "
        "its digest says nothing of one row without all the others."
    ),
    (
        "That the events are those of the record named, and that its rows have the ids named: "
        "that is the signed statement of whoever made the bundle, unless a disclosed value "
        "shows it."
    ),
    (
        "The exact time: it is the clock of the computer that wrote. The checkpoint's time "
        "bounds it from above if you held the checkpoint then."
    ),
    (
        "Who the persons behind the subject ids are, and texts that read mlmcsc:v1:…: these "
        "are personal data, sealed under keys that stay in the laboratory."
    ),
    (
        "Parts marked redacted: they were erased, and their hash alone is left. Parts marked "
        "withheld exist and were not disclosed."
    ),
)


def readme(subject: Mapping[str, Any], checkpoint: Checkpoint) -> str:
    """README.txt."""
    proves, does_not = (
        "\n".join(f"  - {line}" for line in lines) for lines in (PROVES, DOES_NOT_PROVE)
    )
    return f"""Evidence: {subject["kind"]} {subject["name"]}
from the audit trail of {checkpoint.origin}

{len(subject["events"])} events, in the tree of {checkpoint.tree_size} events that was signed at
{checkpoint.timestamp} with the Ed25519 key {checkpoint.key_id}.

To check it, offline, with Python 3.9 or newer and nothing else:

  python3 verify.py                              in the folder where this was unpacked
  python3 verify.py BUNDLE.zip                   on the ZIP file
  python3 verify.py BUNDLE.zip --public-key HEX  with the laboratory's key, had from elsewhere
  python3 verify.py BUNDLE.zip --checkpoint FILE with a checkpoint kept elsewhere

verify.py comes with the bundle: if you do not trust the bundle, take the script from the mlmcsc
release, or write your own; its page "How the audit trail is proven" has every formula.

What it proves
{proves}

What it does not prove
{does_not}

Files
  checkpoint.json    the signed note: size and Merkle root of the trail
  events.jsonl       one event a line: fields, salts, commitments, path to the root
  consistency.jsonl  proofs from earlier checkpoints to this one
  subject.json       which events, and the rows that each is about
  verify.py          the checker
"""
