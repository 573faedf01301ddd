"""Reading pickled vectors: every array comes out exact, and nothing is ever executed."""

import os
import pickle
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mlmcsc.errors import IntegrityError
from mlmcsc.store.adoption.pickled_vectors import MAX_BYTES, read_vector

PROTOCOLS = [2, 3, 4, 5]
FLOATS = ["<f2", ">f2", "<f4", ">f4", "<f8", ">f8"]
VECTOR = np.linspace(-1, 1, 37)


def short(text):
    raw = text.encode()
    return b"\x8c" + bytes([len(raw)]) + raw


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("dtype", FLOATS)
@settings(max_examples=20)
@given(data=st.data())
def test_any_finite_float_vector_comes_out_unchanged(protocol, dtype, data):
    numbers = {"allow_nan": False, "allow_infinity": False}
    vector = data.draw(arrays.arrays(dtype, st.integers(1, 40), elements=numbers))
    found = read_vector(pickle.dumps(vector, protocol=protocol))
    assert found.dtype == np.dtype(dtype).newbyteorder("<")
    assert found.tobytes() == vector.astype(found.dtype).tobytes()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "array",
    [
        VECTOR[::-1],
        VECTOR[None, :],
        np.asfortranarray(VECTOR[:, None]),
        np.arange(-5, 5),
        np.arange(5, dtype="u1"),
        np.arange(5, dtype=">i2"),
        np.random.default_rng(0).random(100_000),
    ],
    ids=["strided", "row", "fortran column", "int64", "uint8", "big-endian int16", "large"],
)
def test_other_layouts_become_plain_vectors(array, protocol):
    found = read_vector(pickle.dumps(array, protocol=protocol))
    assert found.shape == (array.size,)
    assert found.tolist() == array.ravel().tolist()


def test_arrays_of_numpy_1_are_known_by_their_old_names():
    old = pickle.dumps(VECTOR, protocol=2).replace(b"numpy._core.", b"numpy.core.")
    assert b"numpy.core.multiarray" in old
    assert read_vector(old).tolist() == VECTOR.tolist()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("count", [1, 5, 2500, 100_000])
def test_plain_lists_of_numbers_are_read(protocol, count):
    values = [float(i) / 3 for i in range(count - 1)] + [7]
    assert read_vector(pickle.dumps(values, protocol=protocol)).tolist() == values


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(bad):
    with pytest.raises(IntegrityError, match="1 of 3 numbers are not finite"):
        read_vector(pickle.dumps(np.array([1.0, bad, 2.0])))
    with pytest.raises(IntegrityError, match="not finite"):
        read_vector(pickle.dumps([1.0, bad]))


@pytest.mark.parametrize(
    "value",
    [
        None,
        "text",
        {},
        [],
        [1.0, "x"],
        [[1.0], [2.0]],
        [True],
        [2**60],
        np.array([2**60]),
        np.zeros((2, 3)),
        np.array(1.0),
        np.array([]),
        np.array([1j]),
        np.array([True]),
        np.array(["a"]),
        np.array([None]),
        np.array([(1.0,)], dtype=[("a", "f8")]),
        np.zeros(1_000_001, dtype="f2"),
        np.float64(3),
        VECTOR.view(np.recarray),
    ],
    ids=repr,
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_is_not_a_vector_of_numbers_is_refused(value, protocol):
    with pytest.raises(IntegrityError):
        read_vector(pickle.dumps(value, protocol=protocol))


@pytest.mark.parametrize("value", [None, "text", 5, 2.5])
def test_what_is_not_bytes_is_refused(value):
    with pytest.raises(IntegrityError, match="not bytes"):
        read_vector(value)


class Canary:
    """Its pickle makes a file when it is loaded."""

    def __init__(self, path, function=os.system, form="touch '{}'"):
        self.call = (function, (form.format(str(path)),))

    def __reduce__(self):
        return self.call


CALLS = [
    (os.system, "touch '{}'"),
    (eval, "open({0!r}, 'w').close()"),
    (exec, "open({0!r}, 'w').close()"),
    (os.mkdir, "{}"),
]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(("function", "form"), CALLS)
def test_hostile_pickles_are_refused_and_never_run(tmp_path, function, form, protocol):
    target = tmp_path / "canary"
    hostile = Canary(target, function, form)
    for blob in (
        pickle.dumps(hostile, protocol=protocol),
        pickle.dumps([1.0, hostile], protocol=protocol),
        pickle.dumps(np.array([hostile], dtype=object), protocol=protocol),
    ):
        with pytest.raises(IntegrityError):
            read_vector(blob)
        assert not target.exists()
    pickle.loads(pickle.dumps(hostile, protocol=protocol))  # noqa: S301  # the canary does sing
    assert target.exists()


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b".",
        b"\x80\x04.",
        b"\x80\xff.",
        b"cos\nsystem\n(S'true'\ntR.",
        b"(S'true'\nios\nsystem\n.",
        b"(cos\nsystem\nS'true'\no.",
        b"\x80\x02cos\nsystem\n)\x81.",
        b"\x80\x04P1\n.",
        b"\x80\x04K\x01Q.",
        b"\x80\x02\x82\x01.",
        b"\x80\x05\x97.",
        b"c" + b"a" * 10_000,
        b"\x80\x04K\x01K\x02.",
        b"\x80\x04K\x01.K\x01.",
        b"\x80\x04" + short("os") + short("system") + b"\x93.",
        b"\x80\x04" + short("numpy") + short("load") + b"\x93.",
        b"\x80\x04" + short("numpy") + short("ndarray.tofile") + b"\x93.",
        b"\x80\x04" + b"]\x94h\x00" + short("x") + b"\x93.",
        b"\x80\x04" + short("numpy") + short("ndarray") + b"\x93}b.",
        b"\x80\x04]\x94h\x00a.",
        b"\x80\x04]\x94(h\x00e.",
        b"\x80\x04h\x05.",
        b"\x80\x04)))t.",
        b"\x80\x04\x95" + struct.pack("<Q", 2**63) + b"K\x01.",
        b"\x80\x04\x8e" + struct.pack("<Q", 2**63) + b"x.",
        b"\x80\x04\x8d" + struct.pack("<Q", 2**40) + b"x.",
        b"\x80\x04B\xff\xff\xff\xffx.",
        b"\x80\x04\x8c\x01\xff.",
    ],
    ids=range(29),
)
def test_hand_made_programs_are_refused(blob):
    with pytest.raises(IntegrityError):
        read_vector(blob)


def test_an_array_that_claims_more_than_it_has_is_refused():
    blob = pickle.dumps(np.zeros(512))
    for side in (b"M\x01\x02", b"J\xff\xff\xff\x7f", b"J\xff\xff\xff\xff"):
        with pytest.raises(IntegrityError):
            read_vector(blob.replace(b"M\x00\x02", side))


BOMBS = {
    "doubling tuples": b"\x80\x04)\x94"
    + b"".join(b"h" + bytes([i]) + b"h" + bytes([i]) + b"\x86\x94" for i in range(40))
    + b".",
    "text encoded again and again": b"\x80\x04X"
    + struct.pack("<I", 1_000_000)
    + b"a" * 1_000_000
    + b"\x94"
    + short("latin1")
    + b"\x94"
    + short("_codecs")
    + short("encode")
    + b"\x93\x94"
    + b"h\x02h\x00h\x01\x86R" * 100_000
    + b".",
    "many lists": b"\x80\x04" + b"]" * 1_000_000 + b".",
    "many nothings": b"\x80\x04" + b"N" * 3_000_000 + b".",
    "many marks": b"\x80\x04" + b"(" * 1_000_000 + b".",
    "too large": b"\x80\x04" + b"B" + struct.pack("<I", MAX_BYTES) + b"\x00" * MAX_BYTES + b".",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_stay_small(name):
    tracemalloc.start()
    try:
        with pytest.raises(IntegrityError):
            read_vector(BOMBS[name])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 32_000_000


def refused_or_a_vector(blob):
    try:
        found = read_vector(blob)
    except IntegrityError:
        return None
    assert found.ndim == 1
    assert found.dtype.str in {"<f2", "<f4", "<f8"}
    assert np.isfinite(found).all()
    assert found.nbytes <= 8 * len(blob)
    return found


@given(st.binary(max_size=300))
def test_random_bytes_are_refused_or_a_vector(blob):
    refused_or_a_vector(blob)
    refused_or_a_vector(b"\x80\x04" + blob + b".")


@given(
    st.sampled_from(PROTOCOLS),
    st.sampled_from(FLOATS),
    st.lists(
        st.tuples(st.integers(0, 10**6), st.binary(max_size=3), st.integers(0, 3)),
        min_size=1,
        max_size=6,
    ),
)
def test_damaged_pickles_are_refused_or_a_vector(protocol, dtype, damages):
    blob = pickle.dumps(VECTOR[:5].astype(dtype), protocol=protocol)
    for place, put, cut in damages:
        at = place % (len(blob) + 1)
        blob = blob[:at] + put + blob[at + cut :]
    refused_or_a_vector(blob)


CODES = b"().0123tabceNJKMGXBChjqrRb]\x80\x85\x86\x87\x88\x89\x8a\x8c\x8d\x8e\x93\x94\x95\x96"
OPCODES = [bytes([code]) for code in CODES]
PIECES = [
    *OPCODES,
    short("numpy") + short("ndarray") + b"\x93",
    short("numpy") + short("dtype") + b"\x93",
    short("numpy._core.multiarray") + short("_reconstruct") + b"\x93",
    short("numpy._core.numeric") + short("_frombuffer") + b"\x93",
    short("_codecs") + short("encode") + b"\x93",
    short("f8"),
    short("<"),
    b"K\x00\x85",
    b"C\x08" + bytes(8),
    b"K\x01",
]


@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_programs_of_known_pieces_are_refused_or_a_vector(pieces):
    refused_or_a_vector(b"\x80\x04" + b"".join(pieces) + b".")


def test_the_reader_agrees_with_pickle_on_every_prefix_of_a_real_one():
    blob = pickle.dumps(VECTOR, protocol=4)
    assert all(refused_or_a_vector(blob[:end]) is None for end in range(len(blob)))
    assert refused_or_a_vector(blob) is not None
