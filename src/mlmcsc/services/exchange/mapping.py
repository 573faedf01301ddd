"""Which column of a file fills which field of a table."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from mlmcsc.domain.fields import Field, Kind, RowSpec
from mlmcsc.errors import UnknownKeywordError, ValidationError

SKIP = "-"
"""As a target: pass over this column on purpose."""

REFERENCES = {
    "image_path": "image_id",
    "filename": "image_id",
    "content_hash": "image_id",
    "technician": "technician_id",
    "model_version": "model_version_id",
}
"""Keys that people know, and the id field that each stands for."""

_DTYPE = Field(
    "dtype", Kind.TEXT, "number format", max_length=10, choices=("float16", "float32", "float64")
)
_ALIASES = {"images": {"path": "image_path"}, "features": {"vector": "feature_vector"}}
_EXPRESSION = re.compile(r"(\w+)\s*(?:\*\s*([0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?))?")


@dataclass(frozen=True, slots=True)
class Source:
    """One column and what it fills.

    Attributes:
        column: Name in the file.
        target: Field, or key of `REFERENCES`.
        field: The field that is filled in the end.
        factor: The number that values are multiplied with, exactly.
    """

    column: str
    target: str
    field: str
    factor: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Bound:
    """The columns of a file, sorted out.

    Attributes:
        sources: Those that fill fields.
        skipped: Those that mlmcsc fills itself.
        ignored: Those that the caller asked to pass over.
    """

    sources: tuple[Source, ...]
    skipped: tuple[str, ...]
    ignored: tuple[str, ...]


def mapping_from_words(words: Iterable[str]) -> dict[str, str]:
    """Read `FILE COLUMN=field` or `FILE COLUMN=field*0.01`, as `--map` gives them.

    Raises:
        ValidationError: For a word without `=`, or a column that is mapped twice.
    """
    found: dict[str, str] = {}
    for word in words:
        column, equals, target = word.rpartition("=")
        if not equals or not column:
            raise ValidationError(f"--map {word!r}: write 'FILE COLUMN=field', e.g. 'SFA=label'.")
        if column in found:
            raise ValidationError(f"--map {word!r}: column {column!r} is mapped already.")
        found[column] = target
    return found


@dataclass(frozen=True)
class Mapper:
    """The rules of one import.

    Attributes:
        spec: The table's fields.
        mapping: File column to target, as the caller gave it.
        common: Targets that the caller gives for all rows.
        read_only: Columns that are passed over because mlmcsc fills them itself.
        ignore_unmapped: Whether unknown columns are passed over.
    """

    spec: RowSpec
    mapping: Mapping[str, str]
    common: frozenset[str]
    read_only: frozenset[str]
    ignore_unmapped: bool

    def targets(self) -> dict[str, Field]:
        """Every word that a column may be mapped to, with the field that checks it."""
        found = dict(self.spec.by_name)
        if self.spec.table == "features":
            found[_DTYPE.name] = _DTYPE
        for name, field in REFERENCES.items():
            if field in self.spec.by_name:
                found[name] = Field(
                    name, Kind.TEXT, f"stands for {field}", required=True, max_length=500
                )
        return found

    def field_of(self, target: str) -> str:
        """The field that a target fills: its own, or the id that it stands for."""
        return target if target in self.spec.by_name else REFERENCES.get(target, target)

    def check(self) -> None:
        """Refuse a mapping to what the table does not have, whatever the file's columns are.

        Raises:
            UnknownKeywordError: For an unknown target.
            ValidationError: When an expression makes no sense.
        """
        targets = self.targets()
        for column, expression in self.mapping.items():
            if expression.strip() != SKIP:
                self._source(column, expression, targets)

    def bind(self, names: Sequence[str]) -> Bound:
        """Sort out the columns of a file (or of some of its rows).

        Raises:
            UnknownKeywordError: For targets or columns that the table does not know.
            ValidationError: When two columns fill one field, or a factor makes no sense.
        """
        targets = self.targets()
        aliases = _ALIASES.get(self.spec.table, {})
        sources: list[Source] = []
        skipped: list[str] = []
        ignored: list[str] = []
        unknown: list[str] = []
        for name in names:
            if name in self.mapping:
                if self.mapping[name].strip() == SKIP:
                    ignored.append(name)
                else:
                    sources.append(self._source(name, self.mapping[name], targets))
            elif name in targets:
                sources.append(Source(name, name, self.field_of(name)))
            elif name in aliases:
                sources.append(Source(name, aliases[name], aliases[name]))
            elif name in self.read_only:
                skipped.append(name)
            else:
                (ignored if self.ignore_unmapped else unknown).append(name)
        if unknown:
            raise self._unknown_columns(unknown, targets)
        self._one_each(sources)
        return Bound(tuple(sources), tuple(skipped), tuple(ignored))

    def _source(self, column: str, expression: str, targets: Mapping[str, Field]) -> Source:
        match = _EXPRESSION.fullmatch(expression.strip())
        if match is None:
            raise ValidationError(
                f"{column!r} is mapped to {expression!r}: write a field, a field times a number "
                f"such as label*0.01, or {SKIP!r} to pass the column over."
            )
        target, number = match.groups()
        if target not in targets:
            raise UnknownKeywordError(
                f"{column!r} is mapped to {target!r}, which {self.spec.table} does not have."
                f"{_nearest(target, targets)} Allowed: {', '.join(targets)}."
            )
        if number is None:
            return Source(column, target, self.field_of(target))
        factor = Fraction(number)
        if targets[target].kind is not Kind.REAL or not factor:
            raise ValidationError(
                f"{column!r} is mapped to {expression!r}: only a field of numbers can be scaled, "
                "and not by zero."
            )
        return Source(column, target, target, factor)

    def _unknown_columns(
        self, unknown: Sequence[str], targets: Mapping[str, Field]
    ) -> UnknownKeywordError:
        told = "; ".join(f"{name!r}{_nearest(name, targets)}" for name in unknown)
        return UnknownKeywordError(
            f"{self.spec.table} has no field for these columns: {told}. Map each to a field "
            f"(--map 'COLUMN=field') or to {SKIP!r}, or pass ignore_unmapped=True. "
            f"Fields: {', '.join(targets)}."
        )

    def _one_each(self, sources: Sequence[Source]) -> None:
        taken = {self.field_of(name): f"the {name} for all rows" for name in self.common}
        for source in sources:
            if source.field in taken:
                raise ValidationError(
                    f"{source.field} is given twice: by {taken[source.field]} and by the column "
                    f"{source.column!r}. Map one of them to {SKIP!r}."
                )
            taken[source.field] = f"the column {source.column!r}"

    def require_all(self, bound: Bound) -> None:
        """Refuse a file that has no column for a required field.

        Raises:
            ValidationError: Naming the fields.
        """
        given = {source.field for source in bound.sources}
        given |= {self.field_of(name) for name in self.common}
        missing = [f for f in self.spec.fields if f.required and f.name not in given]
        if missing:
            told = ", ".join(f"{f.name} ({f.help}){_or_key(f.name)}" for f in missing)
            raise ValidationError(
                f"No column fills {told}. Map one (--map 'COLUMN=field'), or give one value for "
                "all rows."
            )


def _or_key(field: str) -> str:
    keys = [name for name, target in REFERENCES.items() if target == field]
    return f" or {' or '.join(keys)}" if keys else ""


def _nearest(name: str, words: Iterable[str]) -> str:
    near = difflib.get_close_matches(name.strip().lower().replace(" ", "_"), list(words), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
