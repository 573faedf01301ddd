"""Class names of a YOLO dataset, out of `classes.txt` or the `names` of a `data.yaml`.

Of YAML only what such files have is read: a list on one line or several, or numbered lines. What
is not understood is refused: a name too many would shift all classes after it.
"""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

from mlmcsc.errors import ValidationError

_NAMES: Final = re.compile(r"^names:[ \t]*(.*)$", re.MULTILINE)
_COUNT: Final = re.compile(r"^nc:[ \t]*(\d{1,9})[ \t]*(?:#.*)?$", re.MULTILINE)
_NUMBERED: Final = re.compile(r"[ \t]*(?:-|(\d{1,9}):)[ \t]+(.*)")
_ITEM: Final = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^,'"\[\]{}#]+?)\s*([,\]])""")
_QUOTED: Final = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')[ \t]*(?:#.*)?""")


def names_in_text(text: str) -> dict[int, str]:
    """A class name a line, counted from 0."""
    return {at: line.strip() for at, line in enumerate(text.splitlines()) if line.strip()}


def names_in_yaml(text: str) -> dict[int, str]:
    """Class names by number; none where the file has no `names`.

    Raises:
        ValidationError: They cannot be read for certain, or are not as many as `nc` says.
    """
    found = _NAMES.search(text)
    if found is None:
        return {}
    first = found[1].strip()
    if first.startswith("["):
        names = _flow(text, text.index("[", found.start()) + 1)
    elif not first or first.startswith("#"):
        names = _block(text[found.end() :])
    else:
        names = {}
    count = _COUNT.search(text)
    if not names or "" in names.values():
        raise ValidationError("names: cannot be read; write a list, or a line `0: name` for each.")
    if count is not None and int(count[1]) != len(names):
        raise ValidationError(f"nc={count[1]}: there are {len(names)} names. Correct one of them.")
    return names


def _flow(text: str, at: int) -> dict[int, str]:
    """`[a, 'b, c', "d"]`, from behind the bracket."""
    names: dict[int, str] = {}
    while (item := _ITEM.match(text, at)) is not None:
        names[len(names)] = _plain(item[1])
        if item[2] == "]":
            return names
        at = item.end()
    return {}


def _block(text: str) -> dict[int, str]:
    """`- a` or `0: a`, a line each, up to the next key."""
    names: dict[int, str] = {}
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        item = _NUMBERED.fullmatch(line)
        if item is None:
            break
        number = int(item[1]) if item[1] else len(names)
        if number in names:
            raise ValidationError(f"names: class {number} is named twice.")
        names[number] = _plain(item[2])
    return names


def _plain(told: str) -> str:
    """A YAML text without quotes and remark; those in double quotes are JSON texts, or nearly."""
    quoted = _QUOTED.fullmatch(told.strip())
    if quoted is None:
        return told.partition(" #")[0].strip()
    if quoted[1].startswith("'"):
        return quoted[1][1:-1].replace("''", "'")
    try:
        name: Any = orjson.loads(quoted[1])
    except orjson.JSONDecodeError:
        return quoted[1][1:-1]
    return str(name)
