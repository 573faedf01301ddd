"""Tags of technicians and accounts."""

from __future__ import annotations

from collections.abc import Mapping

from mlmcsc.domain.privacy import named
from mlmcsc.domain.privacy.tags import Columns, columns

PEOPLE: Mapping[str, Columns] = {
    "technicians": columns(
        (named.REGISTERED, "id created_at"),
        (named.STAFF_NUMBER, "technician_id"),
        (named.NAME, "name"),
        (named.CONTACT, "email"),
        (named.EMPLOYMENT, "department"),
        (named.EXPERIENCE, "experience_level"),
        (named.ACTIVITY_TIME, "last_active"),
        (named.MAY_WORK, "is_active"),
        (named.LABEL_COUNT, "total_labels"),
        (named.PERFORMANCE, "accuracy_score"),
    ),
    "accounts": columns(
        (named.ACCOUNT, "id role technician_id is_active created_at"),
        (named.LOGIN, "username"),
        (named.PASSWORD, "password_hash"),
        (named.LAST_LOGIN, "last_login"),
    ),
    "sessions": columns(
        (named.TOKEN_SECRET, "token_hash"),
        (named.SIGN_IN_TIME, "id account_id created_at last_seen expires_at revoked_at"),
        (named.CONNECTION, "ip_address user_agent"),
    ),
    "api_tokens": columns(
        (named.TOKEN, "id account_id scopes created_at expires_at revoked_at"),
        (named.TOKEN_NAME, "name"),
        (named.TOKEN_SECRET, "prefix token_hash"),
        (named.SIGN_IN_TIME, "last_used"),
    ),
    "login_attempts": columns(
        (named.ATTEMPTED_LOGIN, "username"),
        (named.ATTEMPT_ADDRESS, "ip_address"),
        (named.ATTEMPT_TIME, "id timestamp succeeded"),
    ),
}
"""Who measures, and how people sign in."""
