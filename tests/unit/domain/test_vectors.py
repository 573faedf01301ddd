from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlmcsc.domain.vectors import MAX_DIMENSION, check_dtype, encode_vectors
from mlmcsc.errors import ValidationError

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=6)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@given(data=st.data())
def test_vectors_are_kept_bit_by_bit_as_a_matrix_and_one_by_one(dtype, data):
    width = int(dtype[5:])
    finite = st.floats(width=width, allow_nan=False, allow_infinity=False)
    matrix = data.draw(hnp.arrays(dtype, SHAPES, elements=finite))
    for values in (matrix, list(matrix), np.asfortranarray(matrix)):
        rejected: dict[int, str] = {}
        raw, dimensions = encode_vectors(values, dtype, rejected)
        assert rejected == {}
        assert dimensions == [matrix.shape[1]] * len(matrix)
        assert raw == [row.astype(f"<f{width // 8}").tobytes() for row in matrix]


def test_wrong_vectors_are_rejected_and_the_others_kept():
    rejected: dict[int, str] = {}
    values = [[1.0], [np.nan], "x", [], [[1.0]], None, [True], [1, 2], [1.0, [2.0]]]
    raw, dimensions = encode_vectors(values, "float32", rejected)
    assert sorted(rejected) == [1, 2, 3, 4, 5, 6, 8]
    assert dimensions[0] == 1
    assert dimensions[7] == 2
    assert all(raw[i] is None for i in rejected)


def test_a_number_beyond_the_format_is_named_without_a_warning():
    for values in (np.array([[1.0, 1e6]]), [[1.0, 1e6]]):
        rejected: dict[int, str] = {}
        encode_vectors(values, "float16", rejected)
        assert "feature_vector[1]=1000000.0" in rejected[0]
        assert "wider dtype" in rejected[0]


def test_a_vector_beyond_the_largest_dimension_is_rejected():
    rejected: dict[int, str] = {}
    encode_vectors(np.zeros((1, MAX_DIMENSION + 1), np.float16), "float16", rejected)
    assert str(MAX_DIMENSION) in rejected[0]


def test_an_unknown_format_is_refused():
    check_dtype("float16")
    with pytest.raises(ValidationError, match="float32, float16, float64"):
        check_dtype("int8")
