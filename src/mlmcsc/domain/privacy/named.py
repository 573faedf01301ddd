"""The tags, each written once and named; the register says which column has which."""

from __future__ import annotations

from dataclasses import replace

from mlmcsc.domain.privacy import activities as why
from mlmcsc.domain.privacy.tags import (
    WHILE_RECORD_LIVES,
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
UNDER_SUBJECT_ID = "kept under the random subject id, for proof only, until its retention ends"
TEXT_CLEARED = "texts that the person wrote, or that name the person, are removed"

NOT_PERSONAL = Tag("not personal")
SPECIMEN_FACT = Tag("facts about specimens")
IMAGE_FACT = Tag("facts about images and instruments")
MODEL_RESULT = Tag("results of models")

# What people measure.
MEASUREMENT = Tag(
    "measurements",
    SubjectKind.TECHNICIAN,
    why.TRACING,
    LABELS,
    EraseAction.ANONYMISE,
    why.RESEARCH,
    "kept as an anonymous measurement",
    source=Source.PERSON,
)
MEASURED_AT = replace(MEASUREMENT, category="times of measurements", source=Source.GENERATED)
MEASURED_BY = replace(
    MEASUREMENT,
    category="who measured",
    how="kept: it leads to a row that bears a random pseudonym only",
)
MEASURED_REGIONS = replace(
    MEASUREMENT,
    category="measured regions, with remarks",
    how="numbers are kept as an anonymous measurement; texts in it that name the person are "
    "removed",
    free_text=True,
)
OPINION = replace(MEASUREMENT, category="opinions on the difficulty of a measurement")
SPEED = replace(
    MEASUREMENT,
    category="performance: time spent on a measurement",
    activity=why.COMPETENCE,
    action=EraseAction.ERASE,
    ground=why.RIGHT_TO_ERASURE,
    how=EMPTIED,
    source=Source.GENERATED,
)
NOTE = Tag(
    "remarks",
    SubjectKind.AUTHOR,
    why.TRACING,
    LABELS,
    EraseAction.ERASE,
    why.RIGHT_TO_ERASURE,
    "removed, and unreadable in every copy, as its key is destroyed",
    sealed=True,
    free_text=True,
    source=Source.PERSON,
)
VERIFIED_BY = Tag(
    "who checked a measurement",
    SubjectKind.VERIFIER,
    why.TRACING,
    LABELS,
    EraseAction.ANONYMISE,
    why.RESEARCH,
    PSEUDONYM,
    identifier=True,
    source=Source.COLLEAGUE,
)
VERIFIED_AT = replace(
    VERIFIED_BY,
    category="times of checks",
    how="kept as an anonymous fact of the measurement",
    identifier=False,
    source=Source.GENERATED,
)
CORRECTED_BY = replace(
    VERIFIED_BY,
    category="who corrected a measurement",
    subject=SubjectKind.ACTOR,
    source=Source.GENERATED,
)
CORRECTED_AT = replace(VERIFIED_AT, category="times of corrections", subject=SubjectKind.ACTOR)
CORRECTION_REASON = replace(NOTE, category="reasons of corrections", sealed=False, how=TEXT_CLEARED)

# Who they are.
STAFF_NUMBER = Tag(
    "staff numbers",
    SubjectKind.TECHNICIAN,
    why.STAFF,
    ANONYMIZE,
    EraseAction.ANONYMISE,
    why.RESEARCH,
    PSEUDONYM,
    identifier=True,
    source=Source.COLLEAGUE,
)
NAME = replace(
    STAFF_NUMBER,
    category="names",
    action=EraseAction.ERASE,
    ground=why.RIGHT_TO_ERASURE,
    how="removed (the person's random pseudonym stands in its place), and unreadable in every "
    "copy, as its key is destroyed",
    sealed=True,
    identifier=False,
)
CONTACT = replace(NAME, category="contact data", how=NOTE.how)
EMPLOYMENT = replace(CONTACT, category="position in the laboratory")
EXPERIENCE = replace(EMPLOYMENT, category="experience", sealed=False, how=EMPTIED)
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

# How they sign in.
LOGIN = Tag(
    "logins",
    SubjectKind.ACTOR,
    why.SIGN_IN,
    action=EraseAction.ERASE,
    ground=why.RIGHT_TO_ERASURE,
    how=WITH_ROW,
    identifier=True,
    source=Source.COLLEAGUE,
)
ACCOUNT = replace(LOGIN, category="accounts and roles", identifier=False)
PASSWORD = replace(ACCOUNT, category="hashes of secrets", source=Source.PERSON)
LAST_LOGIN = replace(ACCOUNT, category="times of sign-in and use", source=Source.GENERATED)
TOKEN = replace(ACCOUNT, category="tokens", retention=SESSION)
TOKEN_NAME = replace(TOKEN, category="names of tokens", free_text=True, source=Source.PERSON)
TOKEN_SECRET = replace(TOKEN, category="hashes of secrets", source=Source.GENERATED)
SIGN_IN_TIME = replace(TOKEN_SECRET, category="times of sign-in and use")
CONNECTION = replace(
    SIGN_IN_TIME,
    category="network addresses and client programs",
    how="removed with its row, and unreadable in every copy, as its key is destroyed",
    sealed=True,
)
ATTEMPTED_LOGIN = replace(LOGIN, retention=ATTEMPT, source=Source.PERSON)
ATTEMPT_TIME = replace(SIGN_IN_TIME, retention=ATTEMPT)
ATTEMPT_ADDRESS = replace(CONNECTION, retention=ATTEMPT)

# What they did.
EVENT = Tag(
    "changes made by a person",
    SubjectKind.ACTOR,
    why.TRAIL,
    AUDIT,
    EraseAction.RESTRICT,
    why.TECHNICAL_RECORDS,
    UNDER_SUBJECT_ID,
    source=Source.GENERATED,
)
EVENT_ACTOR = replace(
    EVENT,
    category="who made a change",
    how="replaced by the random subject id; kept for proof only, until its retention ends",
    identifier=True,
)
EVENT_VALUES = replace(
    EVENT,
    category="values before and after a change",
    how="personal values in it are sealed, and unreadable as their key is destroyed; the others "
    "are kept for proof only, until their retention ends",
)
EVENT_REASON = replace(
    EVENT,
    category="reasons of changes",
    action=EraseAction.ERASE,
    ground=why.RIGHT_TO_ERASURE,
    how="removed; its commitment stays, which cannot be guessed without the salt",
    free_text=True,
    source=Source.PERSON,
)
EVENT_CONNECTION = replace(
    EVENT_REASON,
    category="network addresses and client programs",
    sealed=True,
    free_text=False,
    source=Source.GENERATED,
)
EVENT_SALT = replace(
    EVENT_REASON,
    category="salts of commitments",
    how="removed, so that the removed values cannot be guessed from their commitment",
    free_text=False,
    source=Source.GENERATED,
)
EVENT_PROOF = replace(EVENT, category="commitments and hashes", how="kept, so that proofs hold")

# What they made and wrote besides.
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
    how="texts in it that name the person are removed",
    identifier=False,
    free_text=True,
    source=Source.PERSON,
)
IMAGE_REMARK = replace(
    DESCRIPTION, category="further settings, which may name an operator", retention=IMAGES
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
    ground=why.FINDING_IMAGES,
    how="kept, as the file lies there: rename the folder to take a login out of it",
    source=Source.GENERATED,
)
IMAGE_PATH = replace(FILE_PATH, retention=IMAGES)

# What is kept of their rights.
SUBJECT_ID = Tag(
    "random subject ids",
    SubjectKind.PERSON,
    why.VAULT,
    action=EraseAction.RESTRICT,
    ground=why.ACCOUNTABILITY,
    how="kept: random, it leads to nobody once name and key are gone",
    source=Source.GENERATED,
)
VAULT_FACT = replace(SUBJECT_ID, category="facts of the vault", how=UNDER_SUBJECT_ID)
DATA_KEY = replace(
    SUBJECT_ID,
    category="encrypted data keys",
    action=EraseAction.ERASE,
    ground=why.RIGHT_TO_ERASURE,
    how="destroyed: whatever was sealed with it is unreadable in every copy and backup",
)
SUBJECT_NAME = replace(
    DATA_KEY, category="staff numbers, logins and written names", how=EMPTIED, identifier=True
)
REQUEST = Tag(
    "requests, restrictions and legal holds",
    SubjectKind.PERSON,
    why.RIGHTS,
    REQUESTS,
    EraseAction.RESTRICT,
    why.ACCOUNTABILITY,
    UNDER_SUBJECT_ID,
    source=Source.GENERATED,
)
HANDLED_BY = replace(REQUEST, category="who handled a request (random subject id)")
RIGHTS_TEXT = replace(
    REQUEST,
    category="grounds and outcomes, in words",
    action=EraseAction.ERASE,
    ground=why.RIGHT_TO_ERASURE,
    how="texts in it that name the person are removed",
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
