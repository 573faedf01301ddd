"""The closed vocabularies of the field, as stored in the database."""

from enum import StrEnum


class LabelType(StrEnum):
    """How a label came about; laboratories may use further words."""

    MANUAL = "manual"
    """Measured without accepting a prediction."""
    CORRECTED = "corrected"
    """A prediction was shown and changed."""
    CONFIRMED = "confirmed"
    """A prediction was shown and accepted."""
    CONSENSUS = "consensus"
    """Agreed from several technicians' labels."""
    GOLD = "gold"
    """Reference value, for checking people and models."""


class LabelPolicy(StrEnum):
    """Which value stands for an image that several labels speak of."""

    LATEST = "latest"
    MEAN = "mean"
    CONSENSUS = "consensus"
    VERIFIED = "verified"


class Missing(StrEnum):
    """What to do with an image that has no feature vector."""

    ERROR = "error"
    NAN = "nan"
    DROP = "drop"


class Storage(StrEnum):
    """Where an ingested file lives."""

    IN_PLACE = "in_place"
    """The file stays where it is; the database holds its path and content hash."""
    MANAGED = "managed"
    """The file is copied into the content-addressed image store beside the database."""


class Operation(StrEnum):
    """The audit vocabulary."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    INGEST = "INGEST"
    IMPORT = "IMPORT"
    EXPORT = "EXPORT"
    ACTIVATE = "ACTIVATE"
    VERIFY = "VERIFY"
    REPAIR = "REPAIR"
    ADOPT = "ADOPT"
    MIGRATE = "MIGRATE"
    REDACT = "REDACT"
    """Personal or payload parts of audit events were removed; their commitments stay."""
    ERASE = "ERASE"
    """A step of a person's erasure."""
    RESTRICT = "RESTRICT"
    HOLD = "HOLD"
    RELEASE = "RELEASE"
    REQUEST = "REQUEST"
    """A person's request was received or answered."""
    ANONYMISE = "ANONYMISE"
    RETAIN = "RETAIN"
    """Rows beyond their retention period were deleted."""
    ARCHIVE = "ARCHIVE"
    BACKUP = "BACKUP"
    """A backup was made, checked, drilled or pruned."""
    RESTORE = "RESTORE"
    CHECKPOINT = "CHECKPOINT"
    ROTATE_KEY = "ROTATE_KEY"
    SEAL = "SEAL"
    """Personal data found in clear was encrypted."""
