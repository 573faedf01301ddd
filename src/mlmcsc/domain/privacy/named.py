"""The tags, each written once and named; the register says which column has which."""

from __future__ import annotations

from dataclasses import replace

from mlmcsc.domain.privacy import activities as why
from mlmcsc.domain.privacy.tags import (
    EraseAction,
    Source,
    SubjectKind,
    Tag,
)

AUDIT = "audit_retention_days"
LABELS = "label_retention_days"
IMAGES = "image_retention_days"
OPERATION = "operation_retention_days"
SESSION = "session_retention_days"
ATTEMPT = "login_attempt_retention_days"
REQUESTS = "privacy_request_retention_days"
ANONYMIZE = "anonymize_after_days"

PSEUDONYM = "replaced by the person's random pseudonym"
EMPTIED = "removed"
WITH_ROW = "removed with its row"
UNREADABLE = "removed, and the key that opens its copies is destroyed"
UNDER_SUBJECT_ID = "kept under the random subject id, for proof only"
NAMES_CLEARED = "a text that names the person is replaced by [erased]"
TEXT_CLEARED = "a text that the person wrote, or that names the person, is replaced by [erased]"

NOT_PERSONAL = Tag("not personal")
SPECIMEN_FACT = Tag("facts about specimens")
IMAGE_FACT = Tag("facts about images and instruments")
MODEL_RESULT = Tag("results of models")

CREATED_BY = Tag(
    "who made a version",
    SubjectKind.AUTHOR,
    why.TRACING,
    action=EraseAction.ANONYMISE,
    ground=why.RESEARCH,
    how=PSEUDONYM,
    identifier=True,
    source=Source.GENERATED,
)
ACKNOWLEDGED_BY = replace(
    CREATED_BY,
    category="who acknowledged an alert",
    subject=SubjectKind.ACTOR,
    activity=why.OPERATION,
    retention=OPERATION,
)
ACKNOWLEDGED_AT = replace(
    ACKNOWLEDGED_BY,
    category="times of acknowledgement",
    how="kept as an anonymous fact of the alert",
    identifier=False,
)
DESCRIPTION = replace(
    CREATED_BY,
    category="descriptions and notes",
    action=EraseAction.ERASE,
    ground=why.RIGHT_TO_ERASURE,
    how=NAMES_CLEARED,
    identifier=False,
    free_text=True,
    source=Source.PERSON,
)
IMAGE_REMARK = replace(
    DESCRIPTION, category="further settings, which may name an operator", retention=IMAGES
)
REMARK = replace(DESCRIPTION, category="facts in words, which may name somebody")
PARAMETERS = replace(
    DESCRIPTION,
    category="parameters of programs, which may name who ran them",
    source=Source.GENERATED,
)
IMAGE_FACT_IN_WORDS = replace(
    IMAGE_REMARK, category="facts of instruments in words, which may name somebody"
)
PROGRAM_MESSAGE = replace(
    DESCRIPTION,
    category="messages of the program, which may quote a login",
    activity=why.OPERATION,
    retention=OPERATION,
    source=Source.GENERATED,
)
FILE_PATH = Tag(
    "paths of files, which may contain a login",
    SubjectKind.ACTOR,
    why.OPERATION,
    ground=why.FINDING_FILES,
    how="kept, as the file lies there: rename the folder to take a login out of it",
    source=Source.GENERATED,
)
IMAGE_PATH = replace(FILE_PATH, retention=IMAGES)
