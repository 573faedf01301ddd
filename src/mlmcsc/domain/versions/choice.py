"""What is asked of a new version, checked before anything is read."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self, TypedDict, Unpack, cast

from mlmcsc.domain.fields import Field, Kind
from mlmcsc.domain.filters import FIELDS
from mlmcsc.domain.selection import Wanted
from mlmcsc.domain.splits import SplitRatios
from mlmcsc.domain.training import GroupBy, Narrow
from mlmcsc.domain.versions.manifest import Manifest
from mlmcsc.errors import UnknownKeywordError, ValidationError

FeatureChoice = Iterable[str | tuple[str, str]]
"""Types, each of its one extractor, or pairs of type and extractor."""

NAME_LENGTH: Final = 50
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9_-])?")
_DEVICE = re.compile(r"(CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])(\..*)?", re.IGNORECASE)
"""Names of devices on Windows, where no folder can have them (Microsoft, Naming Files)."""
_VERSION = Field(
    "version", Kind.TEXT, "name of a data version", required=True, max_length=NAME_LENGTH
)
_TAG = Field(
    "tag", Kind.TEXT, "name that moves between versions", required=True, max_length=NAME_LENGTH
)
_SOUGHT = Field("version", Kind.TEXT, "name or tag of a data version", required=True)
_TITLE = Field("name", Kind.TEXT, "what people call it", max_length=100, is_name=True)
_DESCRIPTION = Field("description", Kind.TEXT, "what it is for")
_SEED = Field("seed", Kind.INTEGER, "another seed gives other splits", required=True)
_TEXTS = (
    Field("label_policy", Kind.TEXT, "which value stands for an image", required=True),
    Field("group_by", Kind.TEXT, "what stays together in one split", required=True),
)


class ChoiceKeywords(TypedDict, total=False):
    """Keywords of `Versions.create`; see there."""

    train_split: float
    val_split: float
    test_split: float
    verified_only: bool
    min_confidence: float | None
    feature_type: str | None
    extractor_version: str | None
    model_version_id: int | None
    group_by: GroupBy
    stratify: bool
    seed: int
    label_policy: str
    features: FeatureChoice | None
    specimen_ids: Iterable[str] | None
    material: str | None
    heat: str | None
    min_quality: float | None
    since: datetime | None
    until: datetime | None
    tags: Iterable[str]


IMAGES: Final = ("specimen_ids", "material", "heat", "min_quality", "since", "until")


@dataclass(frozen=True, slots=True)
class Choice:
    """A version that is asked for.

    Attributes:
        version: Its name.
        name: What people call it; None for the version's name.
        description: What it is for.
        wanted: Which images, labels and splits.
        features: Feature sets by type and extractor (None: the only one); None for all sets.
        tags: Names that shall point to it.
    """

    version: str
    name: str | None
    description: str | None
    wanted: Wanted
    features: tuple[tuple[str, str | None], ...] | None
    tags: tuple[str, ...]

    @classmethod
    def checked(
        cls, version: Any, name: Any, description: Any, **given: Unpack[ChoiceKeywords]
    ) -> Self:
        """From what a caller gave.

        Raises:
            ValidationError: A value is wrong.
        """
        _refuse_unknown(given)
        version = check_version(version)
        tags = tuple(dict.fromkeys(check_tag(each) for each in _listed("tags", given.get("tags"))))
        if version in tags:
            raise ValidationError(f"tag {version!r}: a tag cannot have the name of a version.")
        for each in _TEXTS:
            each.check(given.get(each.name, "-"))  # one left out has a usual value below
        narrow = Narrow.checked(
            given.get("min_confidence"),
            given.get("model_version_id"),
            given.get("feature_type"),
            given.get("extractor_version"),
        )
        shares = ("train_split", 0.7), ("val_split", 0.15), ("test_split", 0.15)
        wanted = Wanted.checked(
            SplitRatios(*(given.get(share, usual) for share, usual in shares)),  # type: ignore[arg-type]  # SplitRatios checks them
            label_policy=given.get("label_policy", "latest"),
            verified_only=given.get("verified_only", False),
            narrow=narrow,
            group_by=given.get("group_by", "specimen"),
            stratify=given.get("stratify", True),
            seed=_SEED.check(given.get("seed", 0)),
            images={key: given.get(key) for key in IMAGES},
        )
        return cls(
            version,
            _readable(_TITLE, name),
            _readable(_DESCRIPTION, description),
            wanted,
            _features(given.get("features")),
            tags,
        )

    @property
    def filters(self) -> dict[str, Any]:
        """What narrows the choice of images, as JSON has it."""
        narrow = self.wanted.narrow
        asked = {name: getattr(narrow, name) for name in narrow.__slots__}
        asked |= {"verified_only": self.wanted.verified_only or None, **self.wanted.images}
        return {name: _plain(value) for name, value in asked.items() if value is not None}


def repeated(manifest: Manifest, features: Iterable[tuple[str, str]] | None) -> ChoiceKeywords:
    """What must be asked for a version made like another one.

    Args:
        manifest: What the other promised.
        features: The sets to hold; None for all.
    """
    filters = dict(manifest.filters)
    times = {n: datetime.fromisoformat(filters[n]) for n in ("since", "until") if n in filters}
    train, val, test = manifest.ratios
    asked: Any = filters | times
    asked |= {"train_split": train, "val_split": val, "test_split": test, "features": features}
    same = ("group_by", "stratify", "seed", "label_policy")
    return cast("ChoiceKeywords", asked | {name: getattr(manifest, name) for name in same})


def check_version(version: Any) -> str:
    """The name of a new version.

    Raises:
        ValidationError: It is no name.
    """
    return _named(_VERSION, version)


def check_tag(tag: Any) -> str:
    """The name of a tag.

    Raises:
        ValidationError: It is no name.
    """
    return _named(_TAG, tag)


def check_sought(version: Any) -> str:
    """A name that a version may have, also one that raw SQL gave it.

    Raises:
        ValidationError: It is no text.
    """
    return str(_SOUGHT.check(version))


def _refuse_unknown(given: Mapping[str, Any]) -> None:
    known = list(ChoiceKeywords.__annotations__)
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise UnknownKeywordError(
                f"A version is not made by {name!r}.{hint} Allowed: {', '.join(known)}."
            )


def _named(field: Field, value: Any) -> str:
    name = str(field.check(value))
    if not _NAME.fullmatch(name):
        limit = "letters, digits, '.', '_' and '-', a letter or digit first, no '.' last"
        raise field.wrong(value, limit)
    if _DEVICE.fullmatch(name):
        raise field.wrong(value, "another word: Windows has a device of this name, so no folder")
    return name


def _readable(field: Field, value: Any) -> str | None:
    """Text without control characters, which can make a terminal show what is not there."""
    text: str | None = field.check(value)
    if any(unicodedata.category(each) == "Cc" and each not in "\n\t" for each in text or ""):
        raise field.wrong(value, "text without control characters")
    return text


def _features(given: Any) -> tuple[tuple[str, str | None], ...] | None:
    if given is None:
        return None
    found = []
    for each in _listed("features", given):
        pair = (each, None) if isinstance(each, str) else each
        if not isinstance(pair, tuple | list) or len(pair) != 2:  # noqa: PLR2004  # see the message
            raise ValidationError(
                f"features={each!r}: give a type such as 'cnn', or a pair ('cnn', 'v1')."
            )
        kind, extractor = pair
        found.append(
            (
                str(FIELDS["feature_type"].check(kind)),
                None if extractor is None else str(FIELDS["extractor_version"].check(extractor)),
            )
        )
    return tuple(dict.fromkeys(found))


def _listed(name: str, given: Any) -> list[Any]:
    if given is None:
        return []
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise ValidationError(f"{name}={given!r}: give a list of names, such as ['a', 'b'].")
    return list(given)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
