"""CSV cells that a spreadsheet program must not take for formulas.

A text that begins with `= + - @`, tab or a line break (or their full-width forms) is written with
an apostrophe before it, and so is one that begins with apostrophes before such a character; the
reader takes exactly one apostrophe away again. So every text comes back as it was. Numbers such as
`-0.5` stay as they are. Source: OWASP, "CSV Injection".
"""

from __future__ import annotations

import re

_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")  # noqa: RUF001  # full-width forms are meant
_NEUTRALISED = re.compile(r"'+[=+\-@\t\r\n＝＋－＠]")  # noqa: RUF001  # as above
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?\Z", re.ASCII)
SUSPECT = frozenset("'=+-@\t\r\n＝＋－＠")  # noqa: RUF001  # as above


def neutral(text: str) -> str:
    """The text as a spreadsheet program may see it."""
    if text[:1] in SUSPECT and _FORMULA.match(text) and not _NUMBER.match(text):
        return "'" + text
    return text


def plain(cell: str) -> str:
    """The text that `neutral` made this cell of."""
    return cell[1:] if cell[:1] == "'" and _NEUTRALISED.match(cell) else cell
