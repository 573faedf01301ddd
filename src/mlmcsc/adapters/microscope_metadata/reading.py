"""What one metadata source says, value by value, each with the tag it came from."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import datetime

from mlmcsc.domain.image_facts import JSON

MAX_NAME = 100
"""Longest detector or instrument name, in characters: what a row of `images` holds."""
MAX_TEXT = 2000

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


@dataclass(slots=True)
class Reading:
    """What one metadata source says of an image.

    Attributes:
        tag: Names the source, e.g. `Zeiss 34118`.
        numbers: Field name to value: `pixel_size_um`, `magnification`, `accelerating_voltage_kv`.
        names: Field name to value: `detector`, `instrument`.
        captured: Acquisition time; naive when the source gives no zone.
        sources: Field name to the tag its value came from.
        reasons: Field name to why it stays empty although its tag is there.
        settings: Everything else worth keeping, JSON-able.
        problems: Contradictions and unreadable values, in words.
    """

    tag: str
    numbers: dict[str, float] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    captured: datetime | None = None
    sources: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    settings: dict[str, JSON] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def parse(self, text: str | None, key: str) -> float | None:
        """The finite number in `text`; None when empty, and a noted problem when damaged."""
        text = (text or "").strip()
        if not text:
            return None
        value = float(text) if _NUMBER.fullmatch(text) else math.nan
        if math.isfinite(value):
            return value
        self.problems.append(f"{self.tag} {key}: {clean(text, 40)!r} is not a number")
        return None

    def number(self, name: str, value: float | None, key: str) -> None:
        """Take a positive typed number; a noted problem when it is zero, negative or infinite."""
        if value is None or name in self.numbers:
            return
        if not (math.isfinite(value) and value > 0):
            self.problems.append(f"{self.tag} {key}: {value} cannot be {name}")
            return
        self.numbers[name] = value
        self.sources[name] = f"{self.tag} {key}"

    def name(self, name: str, text: str | None, key: str) -> None:
        """Take a name; one too long for its field is a noted problem, and kept as a setting."""
        text = clean(text or "")
        if not text or name in self.names:
            return
        if len(text) > MAX_NAME:
            self.problems.append(
                f"{self.tag} {key}: {len(text)} characters cannot be {name} (at most {MAX_NAME})"
            )
            self.settings.setdefault(f"{name}_as_written", text)
            return
        self.names[name] = text
        self.sources[name] = f"{self.tag} {key}"

    def time(self, moment: datetime | None, written: str, key: str) -> None:
        """Take the acquisition time and keep it as written; a noted problem when unreadable."""
        written = clean(written)
        if not written:
            return
        self.settings["captured_at_as_written"] = written
        if moment is None:
            self.problems.append(f"{self.tag} {key}: {clean(written, 60)!r} is not a clear time")
        else:
            self.captured = moment
            self.sources["captured_at"] = f"{self.tag} {key}"

    def setting(self, name: str, value: JSON) -> None:
        """Keep a setting unless it is empty; text is cleaned, non-finite numbers are dropped."""
        if isinstance(value, str):
            value = clean(value)
        if value in (None, "", {}) or (isinstance(value, float) and not math.isfinite(value)):
            return
        self.settings[name] = value

    def unknown(self, name: str, reason: str) -> None:
        """Say why a typed field stays empty although its tag is there."""
        self.reasons[name] = f"not taken from {self.tag}: {reason}"


def clean(text: str, limit: int = MAX_TEXT) -> str:
    """Text that any database stores: no control characters or lone surrogates, at most `limit`."""
    return _CONTROL.sub("", text).strip()[:limit]


def scaled(value: float, factor: float) -> float:
    """`value * factor` without binary dust: 3.3724e-06 m is 3.3724 um, not 3.3724000000000003.

    Keeps 12 significant digits, more than any instrument writes; tiny values stay themselves.
    """
    return float(f"{value * factor:.12g}") + 0.0  # turns -0.0 into 0.0
