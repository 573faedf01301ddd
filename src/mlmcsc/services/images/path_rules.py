"""What a file's path says of it, by the laboratory's own naming rule."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlmcsc.domain.records import SpecimenRecord
from mlmcsc.domain.tables import IMAGES, SPECIMENS
from mlmcsc.errors import ValidationError
from mlmcsc.store.models import specimens
from mlmcsc.store.queries import images as image_queries
from mlmcsc.store.queries import registers, rows
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
        specimen = SPECIMENS.by_name["specimen_id"].check(found["specimen"])
        return {**self.common, **fields, "specimen_id": specimen}

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

        A specimen that is described differently already keeps its facts: `update_specimen`
        changes them on purpose.
        """
        if self._compiled is None or not self._compiled.groupindex.keys() & set(SPECIMEN_GROUPS):
            return
        told: dict[str, dict[str, Any]] = {}
        for path in paths:
            found = self._groups(path) or {}
            facts = {n: SPECIMENS.by_name[n].parse(found[n]) for n in SPECIMEN_GROUPS if n in found}
            told.setdefault(found["specimen"], {}).update(facts)
        image_queries.ensure_specimens(tx, list(told))
        for name, facts in told.items():
            before = rows.first(tx, specimens, SpecimenRecord, specimen_id=name)
            if before is not None:
                new = {k: v for k, v in facts.items() if getattr(before, k) is None}
                registers.change(tx, specimens, before, new)
