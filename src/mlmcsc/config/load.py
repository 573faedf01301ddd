"""Find, read, merge and check the configuration."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlmcsc.config.database import CONNECTION_KEYS
from mlmcsc.config.layers import Layer, read_environment, read_file
from mlmcsc.config.model import Config
from mlmcsc.config.problems import Problem, as_error, check_document
from mlmcsc.config.redact import printable

FILE_NAME = "database_config.json"


def load_config(
    path: str | Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    cwd: str | Path | None = None,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
) -> Config:
    """Return the configuration in force here.

    Settings come in layers; each may be partial, and a later one wins, key by key:

    1. the built-in defaults;
    2. `src/database/database_config.json`, the documented place, looked up first: under the
       working directory, else the one that came with this package;
    3. `./mlmcsc.json`;
    4. the file that `$MLMCSC_CONFIG` names, which must exist;
    5. the environment: `MLMCSC_<SECTION>__<FIELD>`, such as `MLMCSC_DATABASE__POOL_SIZE=20`
       (lists as JSON; empty means null);
    6. the environment's `DATABASE_URL`, for the whole connection: it wins over
       `MLMCSC_DATABASE__HOST` and its like;
    7. `overrides`.

    A `path` stands in place of the files 2 to 4. Each layer is checked by itself, so a wrong
    value is an error even where a later layer would win over it. Other variables that begin with
    `MLMCSC_` and hold no double underscore are not settings and are left alone.

    Args:
        path: The one file to read; None looks in the places above.
        environ: The environment; None means the process's own.
        cwd: What relative paths and `./` start from; None means the working directory.
        overrides: Explicit settings, sections by name, each a mapping of fields to JSON values.

    Returns:
        The checked configuration; `provenance` tells where each value came from.

    Raises:
        ConfigError: A file is missing or is not JSON, a key is unknown or a value wrong, or a
            part of the connection is set where a URL from an earlier layer hides it. The message
            lists every problem with source, key, value and what is allowed; it holds no secret.
    """
    layers, names, problems = _read(path, environ, cwd, overrides)
    if problems:
        raise as_error(problems)
    return _merge(layers, names)


def find_problems(path: str | Path | None = None) -> list[Problem]:
    """Return everything for which `load_config(path)` would refuse the settings here."""
    return _read(path, None, None, None)[2]


def _read(
    path: str | Path | None,
    environ: Mapping[str, str] | None,
    cwd: str | Path | None,
    overrides: Mapping[str, Mapping[str, Any]] | None,
) -> tuple[list[Layer], tuple[str, ...], list[Problem]]:
    """Read and check every layer; the names are those of the files."""
    environ = os.environ if environ is None else environ
    root = Path.cwd() if cwd is None else Path(cwd).absolute()
    files, problems = ([root / path], []) if path is not None else _files(environ, root)
    read = [read_file(file) for file in files]
    layers = [layer for layer in read if isinstance(layer, Layer)]
    names = tuple(layer.source for layer in layers)
    problems += [problem for problem in read if isinstance(problem, Problem)]
    layers += read_environment(environ)
    if overrides:
        layers.append(Layer("argument", overrides))
    for layer in layers:
        problems += check_document(layer.document, layer.source)
    return layers, names, problems or _conflicts(layers)


def validate_file(path: str | Path) -> list[Problem]:
    """Return everything wrong with one configuration file; an empty list means it is good.

    Args:
        path: The file, which may be partial; the environment is left aside.
    """
    layer = read_file(Path(path))
    if isinstance(layer, Problem):
        return [layer]
    return check_document(layer.document, layer.source) or _conflicts([layer])


def default_document() -> dict[str, Any]:
    """Return the built-in defaults as the JSON document that `config generate` writes."""
    return Config().model_dump(mode="json")


def _files(environ: Mapping[str, str], root: Path) -> tuple[list[Path], list[Problem]]:
    """List the files to read, weakest first."""
    documented = [root / "src" / "database" / FILE_NAME, _packaged_file()]
    found = [file for file in documented if file.is_file()][:1]
    found += [file for file in [root / "mlmcsc.json"] if file.is_file()]
    if named := environ.get("MLMCSC_CONFIG"):
        file = root / named
        if not file.is_file():
            message = f"names {file}, which is not a file; create it with `mlmcsc config generate`"
            return found, [Problem("environment MLMCSC_CONFIG", "", "", message)]
        found = [other for other in found if not other.samefile(file)] + [file]
    return found, []


def _packaged_file() -> Path:
    """Where the documented file lies beside this package, in a checkout or as installed.

    Found by place: importing `src` to ask it might run some other project's package of that name.
    """
    beside = Path(__file__).resolve().parents[2]
    return (beside if beside.name == "src" else beside / "src") / "database" / FILE_NAME


def _merge(layers: list[Layer], files: tuple[str, ...]) -> Config:
    """Lay checked layers over one another."""
    merged: dict[str, dict[str, Any]] = {}
    origins: dict[str, str] = {}
    for layer in layers:
        for section, fields in layer.document.items():
            merged.setdefault(section, {}).update(fields)
            origins |= dict.fromkeys((f"{section}.{field}" for field in fields), layer.source)
    return Config.model_validate_json(
        json.dumps(merged), strict=True, context={"files": files, "origins": origins}
    )


def _conflicts(layers: list[Layer]) -> list[Problem]:
    """Find settings, each right by itself, that would have no effect together."""
    problems = []
    url_from = None
    for layer in layers:
        database = layer.document.get("database", {})
        if "url" in database:
            url_from = layer.source if database["url"] is not None else None
        elif url_from:
            message = (
                f"has no effect, because {url_from} sets database.url, the whole connection; "
                "set database.url to null or leave this out"
            )
            problems += [
                Problem(
                    layer.source, f"database.{key}", printable(f"database.{key}", value), message
                )
                for key, value in database.items()
                if key in CONNECTION_KEYS and value is not None
            ]
    return problems or _sslmode_conflict(layers)


def _sslmode_conflict(layers: list[Layer]) -> list[Problem]:
    config = _merge(layers, ())
    database = config.database
    if database.sslmode is None or database.url or database.db_type not in {"mysql", "mariadb"}:
        return []
    message = (
        f"applies to postgresql only and would not protect {database.db_type}; "
        "give database.url with ?ssl_ca=/path/to/ca.pem instead"
    )
    source = config.provenance["database.sslmode"]
    return [Problem(source, "database.sslmode", printable("", database.sslmode), message)]
