"""Croissant 1.0: a dataset described in JSON-LD (MLCommons, https://docs.mlcommons.org/croissant).

The terms used are those of its specification: a FileObject for each table, a FileSet for the images
of each kind, a RecordSet for each table's rows.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from mlmcsc.adapters.dataset_formats.folder import ExportFolder
from mlmcsc.adapters.dataset_formats.samples import Dataset

FILE: Final = "croissant.json"
CONFORMS: Final = "http://mlcommons.org/croissant/1.0"

_TERMS = (
    "citeAs column conformsTo dataType equivalentProperty extract field fileProperty fileObject "
    "fileSet format includes isLiveDataset jsonPath key md5 parentField path recordSet references "
    "regex repeated replace samplingRate separator source subField transform"
)
CONTEXT: Final[dict[str, Any]] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "sc": "https://schema.org/",
    **{term: f"cr:{term}" for term in _TERMS.split()},
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
}

_FIELDS = {
    "image_id": ("sc:Integer", "Id of the image in the database that it comes from"),
    "file": ("sc:Text", "Path of the image in this dataset"),
    "file_name": ("sc:Text", "Path of the image beside this table"),
    "content_hash": ("sc:Text", "SHA-256 of the image's file"),
    "specimen_id": ("sc:Text", "Specimen that the image shows"),
    "width": ("sc:Integer", "Width of the image in pixels"),
    "height": ("sc:Integer", "Height of the image in pixels"),
    "label": ("sc:Float", "Label under the version's policy"),
    "split": ("sc:Text", "train, val or test"),
}
_PEOPLE = ("sc:Text", "Who labelled it, by codes that hold in this export only")


@dataclass(frozen=True, slots=True)
class Table:
    """A file with a row an image.

    Attributes:
        name: Of its records.
        path: Below the folder.
        mime: Media type.
        file_column: Which column has the image's path.
    """

    name: str
    path: str
    mime: str
    file_column: str = "file"


def write_croissant(folder: ExportFolder, dataset: Dataset, tables: Sequence[Table]) -> None:
    """Write `croissant.json`; every file must be listed by then."""
    document = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS,
        "name": _plain(dataset.version),
        "description": f"{dataset.description or dataset.name}. {dataset.text}",
        "version": "1.0.0",
        "alternateName": dataset.name,
        "datePublished": f"{dataset.created_at:%Y-%m-%d}",
        "distribution": [*_objects(folder, tables), *_image_sets(folder)],
        "recordSet": [_records(table, people=dataset.with_people) for table in tables],
    }
    folder.write(FILE, orjson.dumps(document, option=orjson.OPT_INDENT_2))


def _plain(name: str) -> str:
    """A name of letters, digits, `_` and `-`, as Croissant wants it."""
    return "".join(char if char.isascii() and char.isalnum() else "-" for char in name) or "dataset"


def _objects(folder: ExportFolder, tables: Sequence[Table]) -> list[dict[str, Any]]:
    mimes = {table.path: table.mime for table in tables}
    return [
        {
            "@type": "cr:FileObject",
            "@id": relative,
            "name": relative,
            "contentUrl": relative,
            "encodingFormat": mimes.get(relative) or _mime(relative),
            "contentSize": f"{(folder.root / relative).stat().st_size} B",
            "sha256": sha256,
        }
        for relative, sha256 in folder.own
    ]


def _image_sets(folder: ExportFolder) -> list[dict[str, Any]]:
    return [
        {
            "@type": "cr:FileSet",
            "@id": f"images{suffix}",
            "name": f"images{suffix}",
            "encodingFormat": _mime(f"image{suffix}"),
            "includes": f"**/*{suffix}",
        }
        for suffix in sorted(folder.suffixes)
    ]


def _mime(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _records(table: Table, *, people: bool) -> dict[str, Any]:
    columns = {
        name: told
        for name, told in _FIELDS.items()
        if name not in {"file", "file_name"} or name == table.file_column
    }
    fields = [_field(table, name, *told) for name, told in columns.items()]
    if people:
        fields.append(_field(table, "annotators", *_PEOPLE) | {"repeated": True})
    return {
        "@type": "cr:RecordSet",
        "@id": table.name,
        "name": table.name,
        "description": f"One record an image: {table.path}",
        "key": {"@id": f"{table.name}/image_id"},
        "field": fields,
    }


def _field(table: Table, name: str, kind: str, meaning: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"{table.name}/{name}",
        "name": name,
        "description": meaning,
        "dataType": kind,
        "source": {"fileObject": {"@id": table.path}, "extract": {"column": name}},
    }
