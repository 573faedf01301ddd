"""Hiding secrets in text that people read: errors, `config show`, logs.

When it is not certain where a secret ends, more is hidden rather than less.
"""

import difflib
import json
import re
from typing import Any
from urllib.parse import unquote

HIDDEN = "***"
_LONGEST = 120
_SECRET = re.compile(r"pas|pw|secret|token|cred|auth|key$", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_HOST_AND_PORT = re.compile(r"(\[[^\]]*\]|[^:]*)(:\d*)?")

_KEY = re.compile(r"[A-Za-z0-9+_-][A-Za-z0-9+/_-]{42}=?")
"""32 bytes in base64, as in MLMCSC_KEY; what begins with `/` is a path."""


def looks_like_key(text: str) -> bool:
    """Tell whether a text is in all likelihood the master key itself, not the name of its file."""
    return bool(_KEY.fullmatch(text.strip()))


def looks_secret(name: str) -> bool:
    """Tell whether a key of this name would hold a secret; a misspelt `password` counts."""
    near = difflib.get_close_matches(name.lower(), ["password"], n=1, cutoff=0.7)
    return bool(_SECRET.search(name) or near)


def redact_url(url: str) -> str:
    """Return the URL with every secret replaced by `***`.

    Hidden are the password, and in the query each value whose key looks secret. Malformed input
    is safe too: text that may hold credentials but cannot be taken apart is hidden whole.

    Args:
        url: Any text, normally a database URL such as `postgresql://lab:pw@host/db`.

    Returns:
        Text fit for printing, such as `postgresql://lab:***@host/db`.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or not _SCHEME.fullmatch(scheme):
        return HIDDEN if re.search("[@=]", url) else url
    is_file = scheme.lower().startswith("sqlite") and rest.startswith("/")
    if is_file and "=" not in rest:
        return url  # a path, odd characters and all: no place for a secret
    if not is_file:
        end = _first(rest, "[/?#]")
        if "@" in rest[end:]:  # an unencoded / ? or # in the password: its end is unknown
            return f"{scheme}://{HIDDEN}"
        rest = _redact_authority(rest[:end]) + rest[end:]
    start = _first(rest, "[?#]")
    query = "&".join(_redact_parameter(part) for part in rest[start + 1 :].split("&"))
    return f"{scheme}://{rest[:start]}{rest[start : start + 1]}{query}"


def printable(key: str, value: Any) -> str:
    """Return a configured value as JSON for an error message, without secrets.

    Args:
        key: The dotted key under which the value stands, such as `database.host`.
        value: A JSON value.

    Returns:
        At most 120 characters.
    """
    text = json.dumps(_without_secrets(key, value), ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _without_secrets(key: str, value: Any) -> Any:
    if value is not None and looks_secret(key.rpartition(".")[2]):
        return HIDDEN
    match value:
        case dict():
            return {k: _without_secrets(f"{key}.{k}", item) for k, item in value.items()}
        case list() | tuple():
            return [_without_secrets(key, item) for item in value]
        case str() if looks_like_key(value):
            return HIDDEN
        case str() if "://" in value or key.startswith("database"):
            return redact_url(value)
        case _:
            return value


def _first(text: str, pattern: str) -> int:
    """Return the index of the first match, or the text's length."""
    found = re.search(pattern, text)
    return found.start() if found else len(text)


def _redact_authority(authority: str) -> str:
    userinfo, at, host = authority.rpartition("@")
    if at:
        user, colon, _ = userinfo.partition(":")
        return f"{user}:{HIDDEN}@{host}" if colon else authority
    if _HOST_AND_PORT.fullmatch(authority):
        return authority
    return f"{authority.partition(':')[0]}:{HIDDEN}"  # `user:password` whose @host was forgotten


def _redact_parameter(part: str) -> str:
    key, equals, _ = part.partition("=")
    if not part or (equals and not looks_secret(unquote(key))):
        return part
    return f"{key}={HIDDEN}" if equals else HIDDEN  # no "=": the tail of a secret with a raw &
