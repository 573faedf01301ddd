"""Checked value types of the configuration: what a field means beyond its JSON type.

Each carries, in its JSON Schema under `allowed`, the words that error messages and the reference
documentation use for it.
"""

import difflib
import ipaddress
import re
import zoneinfo
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)

from mlmcsc.config.redact import looks_like_key


class Section(BaseModel):
    """Base of every section: immutable, no unknown keys, no infinities, inputs kept private."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True
    )


SCHEDULE_WORDS = ("hourly", "daily", "weekly", "monthly")
_CRON_FIELDS = 5
_NAME_LENGTH = 40
"""Of a version; leaves room in the 50 characters of the column for a long count."""


def _schedule(text: str) -> str:
    if text in SCHEDULE_WORDS:
        return text
    from cronsim import CronSim, CronSimError  # noqa: PLC0415  10 ms, only for cron expressions

    if len(text.split()) != _CRON_FIELDS:
        raise ValueError("a cron expression has five fields: minute hour day month weekday")
    try:
        fires = next(CronSim(text, datetime(2000, 1, 1, tzinfo=UTC)), None)
    except CronSimError as error:
        raise ValueError(f"not a cron expression: {error}") from None
    if fires is None:
        raise ValueError("this cron expression never fires")
    return text


def _timezone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (OSError, ValueError, zoneinfo.ZoneInfoNotFoundError):
        near = difflib.get_close_matches(name, zoneinfo.available_timezones(), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"unknown time zone{hint}") from None
    return name


def _network(value: Any) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    if isinstance(value, ipaddress.IPv4Network | ipaddress.IPv6Network):
        return value
    if not isinstance(value, str):
        raise ValueError("not text")  # noqa: TRY004  pydantic collects ValueError only
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise ValueError("not an IP address or network") from None
    if ipaddress.ip_interface(value).ip != network.network_address:
        raise ValueError(f"an address inside a network, not the network; write {network}")
    return network


def _path_text(text: str) -> str:
    if not text.strip():
        raise ValueError("the path is empty")
    if "\0" in text:
        raise ValueError("the path holds a NUL character")
    if text.startswith("~"):
        raise ValueError("'~' is not expanded here; write the path in full")
    if "://" in text:
        raise ValueError("a URL, not a path; a database URL belongs in database.url")
    return text


def _path(value: Any) -> Path:
    if not isinstance(value, str | Path):
        raise ValueError("not text")  # noqa: TRY004  pydantic collects ValueError only
    return Path(_path_text(str(value)))


def _key_file(value: Any) -> Path:
    if isinstance(value, str | Path) and looks_like_key(str(value)):
        raise ValueError("a key, not the name of a key file; set the variable MLMCSC_KEY to it")
    return _path(value)


def _absolute_path(value: Any) -> Path:
    path = _path(value)
    if not path.is_absolute():
        raise ValueError("relative, so that it would be another folder in another directory")
    return path


def _backup_url(text: str) -> str:
    if not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._-]+)*/?", text):
        raise ValueError("not s3://bucket/prefix; credentials never stand in it")
    return text.rstrip("/")


def _version_name(text: str) -> str:
    if "{n}" not in text:
        raise ValueError("without {n}, the second one would have the name of the first")
    left = text.replace("{n}", "1").replace("{date}", "2026-01-31")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", left):
        raise ValueError("only letters, digits, '.', '_', '-', {date} and {n} may stand here")
    if len(left) > _NAME_LENGTH:
        raise ValueError(f"too long: {_NAME_LENGTH} characters at most")
    return text


def _host(text: str) -> str:
    if text.startswith("/"):
        return _path_text(text)
    if re.fullmatch(r"[\w.-]+", text):
        return text
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        raise ValueError("a port belongs in database.port, a URL in database.url") from None
    return text


def _email(text: str) -> str:
    if not re.fullmatch(r"[^@\s,;<>]+@[^@\s,;<>]+", text):
        raise ValueError("not one e-mail address")
    return text


def _label_range(limits: tuple[float, float]) -> tuple[float, float]:
    low, high = limits
    if low >= high:
        raise ValueError("the first number must be below the second")
    return limits


def _allowed(words: str) -> Any:
    return Field(json_schema_extra={"allowed": words})


def _allowed_text(words: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "allowed": words})


Schedule = Annotated[
    str,
    AfterValidator(_schedule),
    _allowed("hourly, daily, weekly, monthly, or a cron expression such as '30 2 * * 1'"),
]
TimeZone = Annotated[
    str, AfterValidator(_timezone), _allowed("an IANA time zone such as UTC or Europe/Berlin")
]
Network = Annotated[
    ipaddress.IPv4Network | ipaddress.IPv6Network,
    PlainValidator(_network),
    PlainSerializer(str, return_type=str),
    _allowed_text("an IP address or network such as 192.168.1.0/24 or fd00::/8"),
]
PathText = Annotated[
    str, AfterValidator(_path_text), _allowed("a file path, absolute or relative, without '~'")
]
FilePath = Annotated[
    Path,
    PlainValidator(_path),
    PlainSerializer(Path.as_posix, return_type=str),
    _allowed_text("a path, absolute or relative, without '~'"),
]
AbsolutePath = Annotated[
    Path,
    PlainValidator(_absolute_path),
    PlainSerializer(Path.as_posix, return_type=str),
    _allowed_text("an absolute path, without '~'"),
]
BackupUrl = Annotated[
    str, AfterValidator(_backup_url), _allowed("s3://bucket/prefix, without credentials")
]
VersionName = Annotated[
    str, AfterValidator(_version_name), _allowed("a name that holds {n}, and may hold {date}")
]
KeyFile = Annotated[
    Path,
    PlainValidator(_key_file),
    PlainSerializer(Path.as_posix, return_type=str),
    _allowed_text("a path, absolute or relative, without '~'"),
]
Host = Annotated[
    str,
    AfterValidator(_host),
    _allowed("a host name, an IP address, or the absolute path of a Unix socket"),
]
EmailAddress = Annotated[
    str, AfterValidator(_email), _allowed("an e-mail address such as lab@example.org")
]
LabelRange = Annotated[
    tuple[float, float],
    AfterValidator(_label_range),
    _allowed("two finite numbers [low, high] with low < high"),
]
