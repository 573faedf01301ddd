"""What a file's path says of it, by the laboratory's own naming rule."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlmcsc.domain.enums import Operation
from mlmcsc.domain.records import SpecimenRecord
from mlmcsc.domain.tables import IMAGES, SPECIMENS
from mlmcsc.errors import ValidationError
from mlmcsc.store.models import images, specimens
from mlmcsc.store.queries import images as image_queries
from mlmcsc.store.queries import registers
from mlmcsc.store.queries.changes import Change, record_changes
from mlmcsc.store.queries.rows import View
from mlmcsc.store.uow import Transaction

SPECIMEN_GROUPS = ("material", "heat", "temperature_c", "orientation")
IMAGE_GROUPS = ("magnification", "pixel_size_um", "detector", "accelerating_voltage_kv")


@dataclass(frozen=True)
class PathRules:
    """A regular expression and the metadata that every file shares.

    Attributes:
        pattern: Searched in each path; see `Images.ingest`.
        common: Checked image fields with one value for every file.
    """

    pattern: str | None
    common: Mapping[str, Any]
    _compiled: re.Pattern[str] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Compile and check the pattern.

        Raises:
            ValidationError: If it is no regular expression, or names no group or unknown ones.
        """
        if self.pattern is None:
            return
        try:
            compiled = re.compile(self.pattern)
        except re.error as error:
            raise ValidationError(
                f"specimen_from={self.pattern!r}: not a regular expression: {error}."
            ) from None
        allowed = {"specimen", *SPECIMEN_GROUPS, *IMAGE_GROUPS}
        unknown = compiled.groupindex.keys() - allowed
        if not compiled.groups or unknown:
            raise ValidationError(
                f"specimen_from={self.pattern!r}: put the specimen number in a group, e.g. "
                r"'(?P<specimen>SPEC_\w+?)_'; further groups may be "
                f"{', '.join(sorted(allowed - {'specimen'}))}."
            )
        object.__setattr__(self, "_compiled", compiled)

    def image_fields(self, path: str) -> dict[str, Any]:
        """The image fields that are given for this path.

        Raises:
            ValidationError: If the pattern does not fit, or a group's text is no such value.
        """
        found = self._groups(path)
        if found is None:
            return dict(self.common)
        stated = [name for name in IMAGE_GROUPS if name in found]
        fields = {name: IMAGES.by_name[name].parse(found[name]) for name in stated}
        _specimen_facts(found)  # a wrong one is refused here, where it costs its own file alone
        specimen = SPECIMENS.by_name["specimen_id"].check(found["specimen"])
        return {**self.common, **fields, "specimen_id": specimen}

    def stated(self) -> list[str]:
        """The image fields that `image_fields` may give for some path."""
        if self._compiled is None:
            return list(self.common)
        of_path = [name for name in IMAGE_GROUPS if name in self._compiled.groupindex]
        return list(dict.fromkeys([*self.common, *of_path, "specimen_id"]))

    def _groups(self, path: str) -> dict[str, str] | None:
        if self._compiled is None:
            return None
        match = self._compiled.search(path)
        if match is None:
            raise ValidationError(
                f"{path}: specimen_from={self.pattern!r} does not fit this path. Widen the "
                "pattern, or ingest such files without it."
            )
        named = {k: v for k, v in match.groupdict().items() if v is not None}
        if "specimen" not in named:
            named["specimen"] = match.group(1) or ""
        return named

    def describe_specimens(self, tx: Transaction, paths: Sequence[str]) -> None:
        """Fill in what the paths say of specimens and is not known yet.

        A specimen that is described differently already keeps its facts: `specimens.update`
        changes them on purpose.
        """
        told = self._told(paths)
        if not told:
            return
        registers.lock(tx, images)  # before specimens, as every writer of both does: no deadlock
        image_queries.ensure_specimens(tx, told)
        changes: list[Change] = []
        for name, before in image_queries.specimens_named(tx, list(told)).items():
            changes += registers.alter(tx, specimens, before, _gaps(before, told[name]))
        record_changes(tx, Operation.UPDATE, specimens.name, changes)

    def tells_of_specimens(self, view: View, paths: Sequence[str]) -> bool:
        """Whether `describe_specimens` would write anything."""
        told = self._told(paths)
        if not told:
            return False
        known = image_queries.specimens_named(view, list(told))
        return any(name not in known or _gaps(known[name], told[name]) for name in told)

    def _told(self, paths: Sequence[str]) -> dict[str, dict[str, Any]]:
        """By specimen, what the paths say of it; nothing where the pattern never does."""
        told: dict[str, dict[str, Any]] = {}
        if self._compiled is None or not self._compiled.groupindex.keys() & set(SPECIMEN_GROUPS):
            return told
        for path in paths:
            found = self._groups(path) or {}
            told.setdefault(found["specimen"], {}).update(_specimen_facts(found))
        return told


def _specimen_facts(found: Mapping[str, str]) -> dict[str, Any]:
    return {n: SPECIMENS.by_name[n].parse(found[n]) for n in SPECIMEN_GROUPS if n in found}


def _gaps(before: SpecimenRecord, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if getattr(before, name) is None}
