"""Tags of the vault, the registers of rights, and archives."""

from __future__ import annotations

from collections.abc import Mapping

from mlmcsc.domain.privacy import named
from mlmcsc.domain.privacy.tags import Columns, columns

PRIVACY: Mapping[str, Columns] = {
    "subjects": columns(
        (named.SUBJECT_ID, "subject_id"),
        (named.VAULT_FACT, "id technician_id created_at erased_at"),
        (named.DATA_KEY, "wrapped_key key_id"),
        (named.SUBJECT_NAME, "identifier"),
    ),
    "privacy_requests": columns(
        (named.REQUEST, "id kind subject_id received_at due_at state closed_at"),
        (named.HANDLED_BY, "handled_by"),
        (named.RIGHTS_TEXT, "outcome"),
    ),
    "privacy_holds": columns(
        (named.REQUEST, "id kind subject_id specimen_id placed_at released_at"),
        (named.HANDLED_BY, "placed_by released_by"),
        (named.RIGHTS_TEXT, "ground release_reason"),
    ),
    "erasures": columns(
        (named.ERASURE, "id subject_id technician_row request_id labels steps certificate"),
        (named.ERASURE, "started_at finished_at"),
        (named.ERASURE_GROUND, "ground"),
        (named.ERASED_NAME, "identifier"),
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
