from __future__ import annotations

import typing

import pytest

from mlmcsc.domain import keywords
from mlmcsc.domain.fields import Kind
from mlmcsc.domain.tables import WRITABLE
from mlmcsc.store.models import metadata

TYPED = {
    "specimens": (keywords.SpecimenDetails, {"specimen_id"}),
    "images": (keywords.ImageMetadata, {"image_path"}),
    "technicians": (keywords.TechnicianDetails, {"technician_id", "name"}),
    "model_versions": (keywords.ModelDetails, {"version", "name", "model_path"}),
    "predictions": (
        keywords.PredictionDetails,
        {"image_id", "model_version_id", "prediction", "confidence"},
    ),
    "labels": (keywords.LabelDetails, {"image_id", "technician_id", "label"}),
    "features": (
        keywords.FeatureDetails,
        {"image_id", "feature_type", "extractor_version", "feature_vector"},
    ),
}


@pytest.mark.parametrize("table", WRITABLE)
def test_every_field_is_a_column_whose_limits_it_knows(table):
    columns = metadata.tables[table].columns
    for field in WRITABLE[table].fields:
        column = columns["path" if field.name == "image_path" else field.name]
        assert getattr(column.type, "length", None) == (
            field.max_length if field.kind is Kind.TEXT else getattr(column.type, "length", None)
        ), field.name
        if (
            not column.nullable
            and column.server_default is None
            and field.kind is not Kind.TIMESTAMP
        ):
            assert field.required, field.name


@pytest.mark.parametrize("table", TYPED)
def test_the_typed_keywords_are_the_fields(table):
    kind, positional = TYPED[table]
    assert typing.get_type_hints(kind).keys() | positional == WRITABLE[table].by_name.keys()


@pytest.mark.parametrize("table", WRITABLE)
def test_every_field_says_what_it_means(table):
    assert WRITABLE[table].table == table
    assert all(field.help for field in WRITABLE[table].fields)
