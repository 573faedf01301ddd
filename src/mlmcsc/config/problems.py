"""What is wrong with a configuration, said so that the reader can mend it."""

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from mlmcsc.config.model import SECTIONS, Config
from mlmcsc.config.redact import printable
from mlmcsc.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Problem:
    """One wrong thing in one file or environment variable.

    Attributes:
        source: The file's path, or `environment NAME`.
        key: Dotted key such as `database.pool_size`; empty when the whole file is unreadable.
        value: The wrong value as JSON, secrets hidden; empty when there is none.
        message: What is wrong and what is allowed.
    """

    source: str
    key: str
    value: str
    message: str

    def __str__(self) -> str:
        subject = f"{self.key} = {self.value}: " if self.key else ""
        return f"{self.source}: {subject}{self.message}"


def as_error(problems: Iterable[Problem]) -> ConfigError:
    """Return one error that tells every problem, a line each."""
    lines = [str(problem) for problem in problems]
    if len(lines) == 1:
        return ConfigError(lines[0])
    return ConfigError("\n  ".join([f"{len(lines)} problems in the configuration:", *lines]))


def check_document(document: Mapping[str, Any], source: str) -> list[Problem]:
    """Return everything wrong with one document's keys and values, each on its own.

    Args:
        document: Sections by name, each a mapping of fields to JSON values; both may be partial.
        source: Where it came from, for the messages.
    """
    try:
        Config.model_validate_json(json.dumps(document), strict=True)
    except ValidationError as error:
        return [_problem(source, details) for details in error.errors(include_url=False)]
    return []


def allowed_values(key: str) -> str:
    """Say in words which values a key takes.

    Args:
        key: Dotted key such as `database.pool_size`, or a section's name.

    Returns:
        Such as `a whole number from 1 to 100`.

    Raises:
        KeyError: There is no such key.
    """
    name, _, field = key.partition(".")
    section = SECTIONS[name]
    if not field:
        return f"an object with keys out of: {', '.join(section.model_fields)}"
    return _words(section.model_json_schema()["properties"][field])


def _problem(source: str, details: Any) -> Problem:
    location = details["loc"]
    if not location:  # text that is not Unicode; the input is the whole document: not shown
        return Problem(source, "", "", details["msg"])
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    key = "".join(parts).removeprefix(".")
    value = printable(key, details["input"])
    if details["type"] == "extra_forbidden":
        return Problem(source, key, value, _unknown_key(location))
    allowed = f"allowed is {allowed_values('.'.join(location[:2]))}"
    if details["type"] == "value_error":
        return Problem(source, key, value, f"{details['ctx']['error']}; {allowed}")
    return Problem(source, key, value, allowed)


def _unknown_key(location: tuple[str, ...]) -> str:
    *section, name = location
    known = list(SECTIONS[section[0]].model_fields if section else SECTIONS)
    near = difflib.get_close_matches(name.lower(), known, n=1)
    homes = [other for other, model in SECTIONS.items() if name in model.model_fields]
    hint = ""
    if near:
        hint = f" (did you mean '{near[0]}'?)"
    elif homes:
        hint = f" (it belongs in '{homes[0]}')"
    what = f"key of '{section[0]}'" if section else "section"
    return f"unknown {what}{hint}; allowed are {', '.join(known)}"


_TYPES = {
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "string": "text",
}


def _words(schema: Mapping[str, Any]) -> str:
    """Put a field's JSON Schema into words."""
    match schema:
        case {"allowed": str(words)}:
            return words
        case {"anyOf": choices}:
            return " or ".join(_words(choice) for choice in choices)
        case {"enum": choices}:
            return f"one of {', '.join(choices)}"
        case {"type": "array", "items": item}:
            return f"a list; each item {_words(item)}"
        case _:
            return _TYPES[schema["type"]] + _limits(schema)


def _limits(schema: Mapping[str, Any]) -> str:
    words = {
        "minimum": "from {}",
        "exclusiveMinimum": "above {}",
        "maximum": "to {}",
        "minLength": "of at least {} character",
    }
    return "".join(f" {words[key].format(schema[key])}" for key in words if key in schema)
