"""Everything that can go wrong, one class per situation.

A message names the value, the limit and the repair. `exit_code` follows the CLI's convention:
1 finding (looked, not there), 2 usage (the caller can mend the call), 3 failure (the world broke).
"""


class MlmcscError(Exception):
    """Base of every error that mlmcsc raises on purpose."""

    exit_code = 3


class ValidationError(MlmcscError, ValueError):
    """A value is wrong: type, range, length, or not finite. Nothing was written."""

    exit_code = 2


class UnknownKeywordError(ValidationError, TypeError):
    """A keyword or column name that the call does not know."""


class RejectedRowsError(ValidationError):
    """Some rows of a bulk call are wrong and the caller asked for all or nothing.

    Attributes:
        rejected: `(row index, reason)` of every wrong row, in order.
    """

    def __init__(self, message: str, rejected: list[tuple[int, str]]) -> None:
        super().__init__(message)
        self.rejected = rejected


class ImageFileError(ValidationError):
    """The file is there but is not an image that can be read whole."""


class ImageMissingError(ImageFileError, FileNotFoundError):
    """There is no file at the given path."""


class UnknownRecordError(MlmcscError, LookupError):
    """An id or name that the database does not hold."""

    exit_code = 1


class ConflictError(MlmcscError):
    """The record exists already and says something else."""

    exit_code = 2


class AmbiguousError(MlmcscError):
    """Several records fit and guessing would be wrong; the message lists them."""

    exit_code = 2


class PermissionDeniedError(MlmcscError, PermissionError):
    """The actor's role does not allow this."""


class ConfigError(MlmcscError, ValueError):
    """The configuration names an unknown key or a wrong value."""

    exit_code = 2


class UnsupportedError(MlmcscError):
    """Not in this release, or not on this machine; the message says what serves instead."""

    exit_code = 2


class StoreError(MlmcscError):
    """The database cannot be opened, read or written."""


class OvertakenError(StoreError):
    """The server broke a transaction off for another's sake: nothing was written; try again."""


class SchemaError(StoreError):
    """The database's schema is not one that this release can use."""


class IntegrityError(StoreError):
    """Stored bytes do not mean what the record says."""


class MissingKeyError(StoreError):
    """The master key that a sealed value needs is lost or wrong; nothing was changed."""


class NoKeyError(MissingKeyError):
    """There is no master key here, and none was named: not a wrong, damaged or mislaid one."""


class HeldError(ConflictError):
    """A legal hold, or a restriction of processing, forbids this."""


class AdoptionError(StoreError):
    """A database of the original system could not be adopted; it was left as it was."""
