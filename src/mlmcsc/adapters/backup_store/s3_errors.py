"""What a bucket answers, told with the repair and without what the answer repeats of a request."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from mlmcsc.errors import MlmcscError, StoreError

_CODE: Final = re.compile(r"<Code>([A-Za-z]{1,60})</Code>")
_STATUS: Final = re.compile(r"status code: (\d{3})")
_ODD_NAME: Final = re.compile(r'InvalidPath \{.*?path: ("[^\n]{1,2000}"),\n', re.DOTALL)
"""The client refuses to list a prefix in which there is a name with `//`, `/../` or the like."""
_ODD: Final = "there is an object of a name that no file can have"
_NETWORK: Final = {
    "ConnectionRefused": "nobody answers there",
    "TimedOut": "it did not answer in time",
    "kind: Timeout": "it did not answer in time",
    "dns error": "its name is not known",
    "ConnectionReset": "the connection broke off",
    "kind: Connect": "it cannot be reached",
}
_CREDENTIALS: Final = {
    "AccessDenied",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "401",
    "403",
}


def reason(error: Exception) -> str:
    """Why, in words of ours: whole answers may repeat ids and parts of the request."""
    text = str(error)
    if found := _CODE.search(text) or _STATUS.search(text):
        return found[1]
    if found := _ODD_NAME.search(text):
        return f"{_ODD} ({ascii(found[1][1:-1])[:300]})"
    return next((told for mark, told in _NETWORK.items() if mark in text), "the connection failed")


@contextmanager
def bucket_errors(place: str, doing: str) -> Iterator[None]:
    """Turn the bucket's errors into `StoreError` with place, reason and repair.

    Raises:
        StoreError: The bucket refused, or cannot be reached.
    """
    from obstore.exceptions import BaseError  # noqa: PLC0415  slow, and an extra

    try:
        yield
    except (BaseError, OSError, ValueError) as error:
        if isinstance(error, MlmcscError):  # it has told what is wrong already
            raise
        raise refused(place, doing, error) from None


def refused(place: str, doing: str, error: Exception) -> StoreError:
    """What could not be done, why, and the repair."""
    why = reason(error)
    return StoreError(f"{place}: {doing} failed: {why}. Nothing counts as done. {_repair(why)}")


def _repair(why: str) -> str:
    if why == "NoSuchBucket":
        return "Make the bucket, or correct its name in --to or backup.remote."
    if why in _CREDENTIALS:
        return "Check the AWS credentials (AWS_* variables or file) and what the bucket allows."
    if why in _NETWORK.values():
        return "Check the network and AWS_ENDPOINT_URL, and try again."
    if why.startswith(_ODD):
        return "Find out who wrote it, delete it (`aws s3api delete-object`), and try again."
    return "Try again; if it stays, ask whoever runs the bucket."
