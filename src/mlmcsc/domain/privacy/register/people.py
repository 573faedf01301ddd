"""Tags of technicians and accounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mlmcsc.domain.privacy import activities as why
from mlmcsc.domain.privacy import named
from mlmcsc.domain.privacy.tags import (
    Columns,
    EraseAction,
    Source,
    SubjectKind,
    Tag,
    columns,
)

STAFF_NUMBER = Tag(
    "staff numbers",
    SubjectKind.TECHNICIAN,
    why.STAFF,
    named.ANONYMIZE,
    EraseAction.ANONYMISE,
    why.RESEARCH,
    named.PSEUDONYM,
    identifier=True,
    source=Source.COLLEAGUE,
)
NAME = replace(
    STAFF_NUMBER,
    category="names",
    action=EraseAction.ERASE,
    ground=why.RIGHT_TO_ERASURE,
    how="removed (the person's random pseudonym stands in its place), and the key that opens its "
    "copies is destroyed",
    sealed=True,
    identifier=False,
)
CONTACT = replace(NAME, category="contact data", how=named.UNREADABLE)
EMPLOYMENT = replace(CONTACT, category="position in the laboratory")
EXPERIENCE = replace(EMPLOYMENT, category="experience", sealed=False, how=named.EMPTIED)
ACTIVITY_TIME = replace(EXPERIENCE, category="times of the person's work", source=Source.GENERATED)
REGISTERED = replace(
    STAFF_NUMBER,
    category="facts of registration",
    how="kept: the row bears a random pseudonym only",
    identifier=False,
    source=Source.GENERATED,
)
MAY_WORK = replace(REGISTERED, how="set to false: nobody measures under the pseudonym")
PERFORMANCE = replace(
    ACTIVITY_TIME, category="performance: accuracy of measurements", activity=why.COMPETENCE
)
LABEL_COUNT = replace(
    REGISTERED,
    category="performance: number of measurements",
    activity=why.COMPETENCE,
    how="kept as the number of measurements under the pseudonym",
)

LOGIN = Tag(
    "logins",
    SubjectKind.ACTOR,
    why.SIGN_IN,
    action=EraseAction.ERASE,
    ground=why.RIGHT_TO_ERASURE,
    how=named.WITH_ROW,
    identifier=True,
    source=Source.COLLEAGUE,
)
ACCOUNT = replace(LOGIN, category="accounts and roles", identifier=False)
PASSWORD = replace(ACCOUNT, category="hashes of secrets", source=Source.PERSON)
LAST_LOGIN = replace(ACCOUNT, category="times of sign-in and use", source=Source.GENERATED)
TOKEN = replace(ACCOUNT, category="tokens", retention=named.SESSION)
TOKEN_NAME = replace(TOKEN, category="names of tokens", free_text=True, source=Source.PERSON)
TOKEN_SECRET = replace(TOKEN, category="hashes of secrets", source=Source.GENERATED)
SIGN_IN_TIME = replace(TOKEN_SECRET, category="times of sign-in and use")
CONNECTION = replace(
    SIGN_IN_TIME,
    category="network addresses and client programs",
    how="removed with its row, and the key that opens its copies is destroyed",
    sealed=True,
)
ATTEMPTED_LOGIN = replace(LOGIN, retention=named.ATTEMPT, source=Source.PERSON)
ATTEMPT_TIME = replace(SIGN_IN_TIME, retention=named.ATTEMPT)
ATTEMPT_ADDRESS = replace(CONNECTION, retention=named.ATTEMPT)

PEOPLE: Mapping[str, Columns] = {
    "technicians": columns(
        (REGISTERED, "id created_at"),
        (STAFF_NUMBER, "technician_id"),
        (NAME, "name"),
        (CONTACT, "email"),
        (EMPLOYMENT, "department"),
        (EXPERIENCE, "experience_level"),
        (ACTIVITY_TIME, "last_active"),
        (MAY_WORK, "is_active"),
        (LABEL_COUNT, "total_labels"),
        (PERFORMANCE, "accuracy_score accuracy_labels accuracy_scored_at"),
    ),
    "accounts": columns(
        (ACCOUNT, "id role technician_id is_active created_at"),
        (LOGIN, "username"),
        (PASSWORD, "password_hash"),
        (LAST_LOGIN, "last_login"),
    ),
    "sessions": columns(
        (TOKEN_SECRET, "token_hash"),
        (SIGN_IN_TIME, "id account_id created_at last_seen expires_at revoked_at"),
        (CONNECTION, "ip_address user_agent"),
    ),
    "api_tokens": columns(
        (TOKEN, "id account_id scopes created_at expires_at revoked_at"),
        (TOKEN_NAME, "name"),
        (TOKEN_SECRET, "prefix token_hash"),
        (SIGN_IN_TIME, "last_used"),
    ),
    "login_attempts": columns(
        (ATTEMPTED_LOGIN, "username"),
        (ATTEMPT_ADDRESS, "ip_address"),
        (ATTEMPT_TIME, "id timestamp succeeded"),
    ),
}
"""Who measures, and how people sign in."""
