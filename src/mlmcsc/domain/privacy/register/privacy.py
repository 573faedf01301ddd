"""Tags of the vault, the registers of rights, and archives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mlmcsc.domain.privacy import activities as why
from mlmcsc.domain.privacy import named
from mlmcsc.domain.privacy.tags import (
    WHILE_RECORD_LIVES,
    Columns,
    EraseAction,
    Source,
    SubjectKind,
    Tag,
    columns,
)

SUBJECT_ID = Tag(
    "random subject ids",
    SubjectKind.PERSON,
    why.VAULT,
    action=EraseAction.RESTRICT,
    ground=why.ACCOUNTABILITY,
    how="kept: random, it leads to nobody once name and key are gone",
    source=Source.GENERATED,
)
VAULT_FACT = replace(SUBJECT_ID, category="facts of the vault", how=named.UNDER_SUBJECT_ID)
DATA_KEY = replace(
    SUBJECT_ID,
    category="encrypted data keys",
    action=EraseAction.ERASE,
    ground=why.RIGHT_TO_ERASURE,
    how="destroyed, in the file kept for restores too: what was sealed with it is unreadable, in "
    "every backup; in plain copies as soon as the master key of their time is destroyed",
)
SUBJECT_NAME = replace(
    DATA_KEY, category="staff numbers, logins and written names", how=named.EMPTIED, identifier=True
)
REQUEST = Tag(
    "requests, restrictions and legal holds",
    SubjectKind.PERSON,
    why.RIGHTS,
    named.REQUESTS,
    EraseAction.RESTRICT,
    why.ACCOUNTABILITY,
    named.UNDER_SUBJECT_ID,
    source=Source.GENERATED,
)
HANDLED_BY = replace(REQUEST, category="who handled a request (random subject id)")
RIGHTS_TEXT = replace(
    REQUEST,
    category="grounds and outcomes, in words",
    action=EraseAction.ERASE,
    ground=why.RIGHT_TO_ERASURE,
    how=named.NAMES_CLEARED,
    free_text=True,
    source=Source.COLLEAGUE,
)
ERASURE = replace(
    REQUEST,
    category="erasures done",
    retention=WHILE_RECORD_LIVES,
    how="kept under the random subject id, so that a restored backup is erased again",
)
ERASURE_GROUND = replace(RIGHTS_TEXT, retention=WHILE_RECORD_LIVES)
ERASED_NAME = replace(
    ERASURE,
    category="staff numbers, logins and written names",
    action=EraseAction.ERASE,
    ground=why.RIGHT_TO_ERASURE,
    how="removed by the last step of the erasure",
    identifier=True,
    source=Source.COLLEAGUE,
)

PRIVACY: Mapping[str, Columns] = {
    "subjects": columns(
        (SUBJECT_ID, "subject_id"),
        (VAULT_FACT, "id technician_id created_at erased_at"),
        (DATA_KEY, "wrapped_key key_id"),
        (SUBJECT_NAME, "identifier"),
    ),
    "privacy_requests": columns(
        (REQUEST, "id kind subject_id received_at due_at state closed_at"),
        (HANDLED_BY, "handled_by"),
        (RIGHTS_TEXT, "outcome"),
    ),
    "privacy_holds": columns(
        (REQUEST, "id kind subject_id specimen_id placed_at released_at"),
        (HANDLED_BY, "placed_by released_by"),
        (RIGHTS_TEXT, "ground release_reason"),
    ),
    "erasures": columns(
        (ERASURE, "id subject_id technician_row request_id labels steps certificate"),
        (ERASURE, "started_at finished_at"),
        (ERASURE_GROUND, "ground"),
        (ERASED_NAME, "identifier"),
    ),
    "archives": columns(
        (
            named.NOT_PERSONAL,
            "id name table_name sha256 n_rows first_id last_id oldest newest created_at",
        ),
        (named.NOT_PERSONAL, "restored_at manifest"),
        (named.FILE_PATH, "path"),
    ),
    "split_anchors": columns(
        (named.NOT_PERSONAL, "image_id specimen_id first_label_id initial_value"),
    ),
    "split_links": columns((named.NOT_PERSONAL, "image_id older_image_id")),
}
"""What erasure leaves behind is here, under random ids."""
