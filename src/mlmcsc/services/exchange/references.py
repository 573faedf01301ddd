"""Ids from the keys that people know: paths, file names, hashes, staff numbers, versions."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlmcsc.domain.columns import Column
from mlmcsc.services.exchange.values import Reasons
from mlmcsc.store.models import model_versions, technicians
from mlmcsc.store.queries import exchange as queries
from mlmcsc.store.queries import images as image_queries
from mlmcsc.store.queries.rows import View

SHOWN = 5
Found = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Lookup:
    """Looks keys up, all of a chunk at once.

    Attributes:
        view: The open transaction.
        folder: What relative image paths are relative to.
    """

    view: View
    folder: str

    def ids(self, key: str, values: Column, rejected: Reasons) -> list[int | None]:
        """The id that each value stands for; values that stand for none are rejected."""
        texts = [None if value is None else str(value) for value in values]
        wanted = {t for i, t in enumerate(texts) if t is not None and i not in rejected}
        found = self._find(key, {t for t in wanted if _storable(t)})
        reasons = {t: self._wrong(key, t, found.get(t, ())) for t in wanted}
        ids: list[int | None] = []
        for index, text in enumerate(texts):
            reason = f"{key} is missing." if text is None else reasons.get(text)
            if reason is not None:
                rejected.setdefault(index, reason)
            ids.append(None if text is None or index in rejected else found[text][0])
        return ids

    def technician_ids(self, values: Column, rejected: Reasons) -> list[int | None]:
        """A column `technician_id`: whole numbers are ids, any other text is a staff number."""
        numbers = [_whole(value) for value in values]
        named = {i: values[i] for i, number in enumerate(numbers) if number is None}
        if named:
            missing = {at: rejected[i] for at, i in enumerate(named) if i in rejected}
            reasons: Reasons = dict(missing)
            found = self.ids("technician", list(named.values()), reasons)
            for at, index in enumerate(named):
                numbers[index] = found[at]
                if at in reasons:
                    rejected.setdefault(index, reasons[at])
        return numbers

    def _find(self, key: str, texts: Iterable[str]) -> Found:
        wanted = list(texts)
        if not wanted:
            return {}
        if key == "image_path":
            return self._by_path(wanted)
        if key == "content_hash":
            hashes = image_queries.by_content(self.view, wanted)
            return {content: (image_id,) for content, (image_id, _) in hashes.items()}
        if key == "filename":
            return queries.ids_by_file_name(self.view, wanted)
        table, column = _TABLES[key]
        return queries.ids_by(self.view, table, column, wanted)

    def _by_path(self, texts: Sequence[str]) -> Found:
        """As written, or relative to the file's folder; aliases count."""
        absolute = {text: os.path.abspath(os.path.join(self.folder, text)) for text in texts}
        known = image_queries.known_files(self.view, [*{*texts, *absolute.values()}])
        found: dict[str, tuple[int, ...]] = {}
        for text, path in absolute.items():
            file = known.get(path) or known.get(text)
            if file is not None:
                found[text] = (file.image_id,)
        return found

    def _wrong(self, key: str, text: str, found: tuple[int, ...]) -> str | None:
        if len(found) == 1:
            return None
        if not found:
            return f"{key}={text!r}: {_UNKNOWN[key]}"
        paths = queries.paths_named(self.view, text, found[:SHOWN])
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        return (
            f"{key}={text!r}: {len(found)} images have this name: {', '.join(paths)}{more}. "
            "Name the image by image_path, content_hash or image_id."
        )


_TABLES: dict[str, tuple[Any, str]] = {
    "technician": (technicians, "technician_id"),
    "model_version": (model_versions, "version"),
}
_UNKNOWN = {
    "image_path": "no image is stored from this path. Ingest it first.",
    "filename": "no stored image has this file name. Ingest it first.",
    "content_hash": "no stored image has this content. Ingest it first.",
    "technician": "no technician has this staff number. Register them first.",
    "model_version": "no model version has this name. Register it first.",
}


def _storable(text: str) -> bool:
    return "\x00" not in text


def _whole(value: Any) -> int | None:
    if isinstance(value, str) and not value.strip().isdecimal():
        return None
    if value is None or isinstance(value, bool):
        return None
    return int(value)
