"""The places a configuration comes from, each read into a layer; later layers win."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr

from mlmcsc.config.model import SECTIONS
from mlmcsc.config.problems import Problem

PREFIX = "MLMCSC_"
_TRUE_WORDS = {"true", "yes", "on", "1"}
_FALSE_WORDS = {"false", "no", "off", "0"}


@dataclass(frozen=True, slots=True)
class Layer:
    """Settings from one place.

    Attributes:
        source: The file's path, `environment NAME`, or `argument`.
        document: Sections by name, each a mapping of fields to JSON values; partial, unchecked.
    """

    source: str
    document: Mapping[str, Any]


def read_file(path: Path) -> Layer | Problem:
    """Read a configuration file: one JSON object in UTF-8, with or without byte order mark."""
    try:
        document = _parse_object(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        return Problem(str(path), "", "", _reason(error))
    return Layer(str(path), document)


def read_environment(environ: Mapping[str, str]) -> list[Layer]:
    """Read `MLMCSC_<SECTION>__<FIELD>` and `DATABASE_URL`, one layer per variable.

    An empty value means null; an empty `DATABASE_URL` counts as unset. Lists are JSON. Names
    count in any case. URLs come last: they stand in place of the parts of a connection.
    """
    layers = []
    for name in sorted(environ, key=lambda name: (name.upper().endswith("__URL"), name)):
        section, separator, field = name[len(PREFIX) :].lower().partition("__")
        if name.upper().startswith(PREFIX) and separator:
            value = _parse(environ[name], section, field)
            layers.append(Layer(f"environment {name}", {section: {field: value}}))
    if url := environ.get("DATABASE_URL"):
        layers.append(Layer("environment DATABASE_URL", {"database": {"url": url}}))
    return layers


def _parse_object(text: str) -> dict[str, Any]:
    document = json.loads(
        text, object_pairs_hook=_object_without_repeats, parse_constant=_refuse_constant
    )
    if not isinstance(document, dict):
        names = ", ".join(SECTIONS)
        raise ValueError(f"the file must hold one JSON object with sections out of: {names}")  # noqa: TRY004  joins the other faults of the text
    return document


def _reason(error: Exception) -> str:
    match error:
        case FileNotFoundError():
            return "no such file; `mlmcsc config generate` writes one"
        case OSError():
            return f"cannot be read: {error.strerror}"
        case UnicodeDecodeError():
            return f"not UTF-8 at byte {error.start}; save the file as UTF-8"
        case json.JSONDecodeError():
            return f"not valid JSON at line {error.lineno}, column {error.colno}: {error.msg}"
        case _:
            return str(error)


def _object_without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"not usable JSON: the key {key!r} stands twice in one object")
        result[key] = value
    return result


def _refuse_constant(name: str) -> None:
    raise ValueError(f"not valid JSON: {name} is not a JSON number")


def _parse(text: str, section: str, field: str) -> Any:
    """Turn a variable's text into the JSON value its field expects; wrong text stays as it is."""
    model = SECTIONS.get(section)
    info = model.model_fields.get(field) if model else None
    if not text:
        return None
    if info is None or _takes_text(info.annotation):
        return text
    if info.annotation is bool and text.lower() in _TRUE_WORDS | _FALSE_WORDS:
        return text.lower() in _TRUE_WORDS
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return text


def _takes_text(annotation: Any) -> bool:
    if get_origin(annotation) in {Union, UnionType}:
        return any(_takes_text(choice) for choice in get_args(annotation))
    if get_origin(annotation) is Literal:
        return True
    return getattr(annotation, "__origin__", annotation) in {str, Path, SecretStr}
