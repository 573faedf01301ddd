"""How a bucket is reached: its URL, the endpoint, and credentials, which nothing here repeats."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from configparser import ConfigParser
from configparser import Error as ParserError
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from mlmcsc.adapters.backup_store.keys import checked_key
from mlmcsc.errors import StoreError, UnsupportedError, ValidationError

if TYPE_CHECKING:
    from obstore.store import S3Store as Bucket

_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_OTHERS: Final = (
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
)
"""Variables by which a platform gives credentials that obstore fetches itself."""
_RETRIES: Final[Mapping[str, Any]] = {
    "max_retries": 4,
    "retry_timeout": timedelta(minutes=1),
    "backoff": {
        "init_backoff": timedelta(milliseconds=100),
        "max_backoff": timedelta(seconds=5),
        "base": 2,
    },
}
_TIMES: Final[Mapping[str, Any]] = {
    "connect_timeout": timedelta(seconds=5),
    "read_timeout": timedelta(minutes=2),  # for one part, too, over a slow line
    "timeout": timedelta(hours=12),  # for one answer as long as bytes come
}


def parse_place(place: str) -> tuple[str, str]:
    """Bucket and prefix of `s3://bucket/prefix`.

    Raises:
        ValidationError: It is none, or holds credentials.
    """
    parts = urlsplit(place)
    prefix = parts.path.strip("/")
    if (
        parts.scheme != "s3"
        or not _BUCKET.fullmatch(parts.netloc)  # no user, password or port either
        or parts.query
        or parts.fragment
    ):
        raise ValidationError(
            "place: a bucket is named as s3://bucket/prefix, its name of 3 to 63 small letters, "
            "digits, '.' or '-', without credentials, port or query. Credentials come from AWS_* "
            "variables or the AWS credentials file."
        )
    return parts.netloc, checked_key(prefix) if prefix else ""


def reach(bucket: str, prefix: str, environ: Mapping[str, str] = os.environ) -> Bucket:
    """The bucket; nothing is sent yet.

    Raises:
        UnsupportedError: The package for it is not installed.
        StoreError: There are no credentials, or the file of them cannot be read.
    """
    try:
        from obstore.store import S3Store  # noqa: PLC0415  slow, and an extra
    except ImportError as error:
        raise UnsupportedError(
            f"s3://{bucket}: backups in a bucket need the package obstore, which is not installed: "
            "`pip install 'mlmcsc[s3]'`. A folder needs none."
        ) from error
    options: dict[str, Any] = {**_credentials(environ), **_region(environ)}
    endpoint = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL")
    times: Any = {**_TIMES, "allow_http": (endpoint or "").startswith("http://")}
    retries: Any = dict(_RETRIES)
    return S3Store(
        bucket, prefix=prefix or None, client_options=times, retry_config=retries, **options
    )


def _credentials(environ: Mapping[str, str]) -> dict[str, str]:
    """Those of the credentials file; none where the environment gives them."""
    if environ.get("AWS_ACCESS_KEY_ID") and environ.get("AWS_SECRET_ACCESS_KEY"):
        return {}
    path = _file(environ, "AWS_SHARED_CREDENTIALS_FILE", "credentials")
    profile = environ.get("AWS_PROFILE") or "default"
    section = _section(path, profile)
    names = {
        "aws_access_key_id": "access_key_id",
        "aws_secret_access_key": "secret_access_key",
        "aws_session_token": "session_token",
    }
    found = {option: section[name] for name, option in names.items() if section.get(name)}
    if {"access_key_id", "secret_access_key"} <= found.keys():
        return found
    if any(environ.get(name) for name in _OTHERS):
        return {}
    raise StoreError(
        "There are no credentials for the bucket: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
        f"or write both into [{profile}] of {path}."
    )


def _region(environ: Mapping[str, str]) -> dict[str, str]:
    if environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION"):
        return {}
    profile = environ.get("AWS_PROFILE") or "default"
    path = _file(environ, "AWS_CONFIG_FILE", "config")
    section = _section(path, profile if profile == "default" else f"profile {profile}")
    return {"region": section["region"]} if section.get("region") else {}


def _file(environ: Mapping[str, str], variable: str, name: str) -> Path:
    chosen = environ.get(variable)
    if chosen:
        return Path(chosen).expanduser()
    home = environ.get("HOME") or environ.get("USERPROFILE") or os.curdir
    return Path(home, ".aws", name)


def _section(path: Path, name: str) -> Mapping[str, str]:
    """A section of an AWS file; empty where there is none."""
    parser = ConfigParser(interpolation=None)
    try:
        with path.open(encoding="utf-8") as file:
            parser.read_file(file)
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, ParserError):  # their messages repeat lines of the file
        raise StoreError(
            f"{path}: cannot be read as an AWS file of sections. Check it and its permissions, or "
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        ) from None
    return dict(parser[name]) if parser.has_section(name) else {}
