"""Vectors out of pickles, without unpickling.

The original stored `pickle.dumps(array)`. A pickle is a program; `pickle.loads` runs it and with
it whatever an attacker put in. This reader knows only the few instructions (`pickletools` names
them) that NumPy's arrays and lists of numbers need, and six global names that it treats as words:
nothing is ever imported or called. Any other instruction or name ends the reading.

Work and memory stay in proportion to the bytes read: no instruction makes more than one object,
texts become bytes once per byte of input at most, and nothing nested is ever walked.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from enum import Enum
from typing import Any, Final

from numpy.typing import NDArray

from mlmcsc.domain.vectors import MAX_DIMENSION
from mlmcsc.errors import IntegrityError
from mlmcsc.store.adoption.array_parts import Array, Dtype, finish, to_array, to_dtype

MAX_BYTES: Final = 16 * MAX_DIMENSION + 4096
"""Largest pickle: the longest vector of float64, whose bytes protocol 2 can double, and a head."""
MAX_STEPS: Final = MAX_DIMENSION + MAX_DIMENSION // 100
"""Most instructions: one per number of a list, and its batches."""
MAX_CONTAINERS: Final = 64
"""Most tuples and lists: an array needs 7."""


class _Word(Enum):
    """A global name, as a symbol."""

    RECONSTRUCT = "_reconstruct"
    FROMBUFFER = "_frombuffer"
    NDARRAY = "ndarray"
    DTYPE = "dtype"
    ENCODE = "encode"


_WORDS: Final = {
    ("numpy", "ndarray"): _Word.NDARRAY,
    ("numpy", "dtype"): _Word.DTYPE,
    ("numpy.core.multiarray", "_reconstruct"): _Word.RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _Word.RECONSTRUCT,
    ("numpy.core.numeric", "_frombuffer"): _Word.FROMBUFFER,
    ("numpy._core.numeric", "_frombuffer"): _Word.FROMBUFFER,
    ("_codecs", "encode"): _Word.ENCODE,
}


class _Mark:
    """Where the items of a tuple or list begin on the stack."""


_MARK: Final = _Mark()


def read_vector(pickled: object) -> NDArray[Any]:
    """The vector in a pickle, its numbers unchanged.

    Args:
        pickled: The stored value: a pickled array, or list of numbers, of protocol 2 to 5.

    Returns:
        Shape `(D,)`, little-endian float16, float32 or float64, finite; read-only. Whole numbers
        become float64 where that is exact; shapes `(1, D)` and `(D, 1)` become `(D,)`.

    Raises:
        IntegrityError: It is anything else. Nothing was executed.
    """
    if not isinstance(pickled, bytes):
        raise IntegrityError(f"the vector is {type(pickled).__name__}, not bytes.")
    if len(pickled) > MAX_BYTES:
        raise IntegrityError(f"the pickle has {len(pickled)} bytes; at most {MAX_BYTES} are read.")
    try:
        value = _Reader(pickled).run()
    except (IndexError, KeyError, ValueError):
        raise IntegrityError("the pickle is cut short or malformed.") from None
    return finish(value)


class _Reader:
    """One pass over one pickle."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.containers = 0
        self.encoded = 0

    def run(self) -> Any:
        """Follow the instructions to STOP; returns the one value left."""
        for _ in range(MAX_STEPS):
            code = self.take(1)
            if code == b".":
                if len(self.stack) != 1 or self.at != len(self.data):
                    raise IntegrityError("the pickle holds more than one value.")
                return self.stack[0]
            step = _STEPS.get(code)
            if step is None:
                raise IntegrityError(
                    f"instruction 0x{code.hex()} at byte {self.at - 1} is not one that a vector "
                    "needs; it was not executed."
                )
            step(self)
        raise IntegrityError(f"the pickle has more than {MAX_STEPS} instructions.")

    def take(self, size: int) -> bytes:
        """The next bytes."""
        end = self.at + size
        if end > len(self.data):
            raise IndexError
        found = self.data[self.at : end]
        self.at = end
        return found

    def number(self, form: str) -> Any:
        """The next number, in a `struct` format."""
        (value,) = struct.unpack(form, self.take(struct.calcsize(form)))
        return value

    def line(self) -> str:
        """The next line of ASCII, as in GLOBAL."""
        end = self.data.index(b"\n", self.at, self.at + 100)
        text = self.take(end - self.at).decode("ascii")
        self.at += 1
        return text

    def contain(self) -> None:
        """Count a container."""
        self.containers += 1
        if self.containers > MAX_CONTAINERS:
            raise IntegrityError(f"the pickle has more than {MAX_CONTAINERS} containers.")

    def since_mark(self) -> list[Any]:
        """Take the items above the last mark."""
        for place in range(len(self.stack) - 1, -1, -1):
            if self.stack[place] is _MARK:
                items = self.stack[place + 1 :]
                del self.stack[place:]
                return items
        raise IndexError

    def word(self, module: Any, name: Any) -> None:
        """Push the symbol for a global name."""
        known = _WORDS.get((module, name)) if type(module) is type(name) is str else None
        if known is None:
            shown = f"{module}.{name}"[:60] if type(module) is type(name) is str else "not text"
            raise IntegrityError(f"the pickle names {shown!r}; it was neither imported nor called.")
        self.stack.append(known)

    def reduce(self) -> None:
        """What the symbols mean; none of them is called."""
        arguments, function = self.stack.pop(), self.stack.pop()
        if type(arguments) is not tuple:
            raise IntegrityError("a pickled call has no argument list.")
        match function, arguments:
            case _Word.RECONSTRUCT, (_Word.NDARRAY, tuple(), bytes()):
                self.stack.append(Array())
            case _Word.DTYPE, (str(code), _, _):
                self.stack.append(Dtype(code))
            case _Word.FROMBUFFER, (bytes(raw), Dtype() as dtype, tuple(shape), "C" | "F"):
                self.stack.append(Array(shape, dtype, raw))
            case _Word.ENCODE, (str(text), "latin1"):
                self.encoded += len(text)
                if self.encoded > len(self.data):
                    raise IntegrityError("the pickle uses its text again and again.")
                self.stack.append(text.encode("latin-1"))
            case _:
                raise IntegrityError("the pickle calls a function with unfit arguments.")

    def build(self) -> None:
        """Give an array or dtype its state."""
        state, target = self.stack.pop(), self.stack[-1]
        if type(target) is Array:
            to_array(target, state)
        elif type(target) is Dtype:
            to_dtype(target, state)
        else:
            raise IntegrityError("the pickle sets the state of something that has none.")


def _constant(value: Any) -> Callable[[_Reader], None]:
    return lambda r: r.stack.append(value)


def _number(form: str) -> Callable[[_Reader], None]:
    return lambda r: r.stack.append(r.number(form))


def _sized(form: str) -> Callable[[_Reader], None]:
    return lambda r: r.stack.append(r.take(r.number(form)))


def _text(form: str) -> Callable[[_Reader], None]:
    return lambda r: r.stack.append(r.take(r.number(form)).decode())


def _get(form: str) -> Callable[[_Reader], None]:
    return lambda r: r.stack.append(r.memo[r.number(form)])


def _put(form: str) -> Callable[[_Reader], None]:
    def step(r: _Reader) -> None:
        r.memo[r.number(form)] = r.stack[-1]

    return step


def _memoize(r: _Reader) -> None:
    r.memo[len(r.memo)] = r.stack[-1]


def _long(r: _Reader) -> None:
    r.stack.append(int.from_bytes(r.take(r.number("<B")), "little", signed=True))


def _global(r: _Reader) -> None:
    module = r.line()
    r.word(module, r.line())


def _stack_global(r: _Reader) -> None:
    name, module = r.stack.pop(), r.stack.pop()
    r.word(module, name)


def _mark(r: _Reader) -> None:
    r.stack.append(_MARK)


def _tuple(size: int) -> Callable[[_Reader], None]:
    def step(r: _Reader) -> None:
        r.contain()
        if len(r.stack) < size:
            raise IndexError
        items = tuple(r.stack[len(r.stack) - size :])
        del r.stack[len(r.stack) - size :]
        r.stack.append(items)

    return step


def _marked_tuple(r: _Reader) -> None:
    r.contain()
    r.stack.append(tuple(r.since_mark()))


def _empty_list(r: _Reader) -> None:
    r.contain()
    r.stack.append([])


def _extend(items: Callable[[_Reader], list[Any]]) -> Callable[[_Reader], None]:
    def step(r: _Reader) -> None:
        found = items(r)
        target = r.stack[-1]
        if type(target) is not list:
            raise IntegrityError("the pickle appends to something that is not a list.")
        target.extend(found)

    return step


_STEPS: Final[dict[bytes, Callable[[_Reader], None]]] = {
    b"\x80": lambda r: _expect(r.number("<B") in range(2, 6), "an unknown protocol"),  # PROTO
    b"\x95": lambda r: _expect(r.number("<Q") <= len(r.data), "a frame beyond its end"),  # FRAME
    b"(": _mark,
    b")": _tuple(0),
    b"\x85": _tuple(1),
    b"\x86": _tuple(2),
    b"\x87": _tuple(3),
    b"t": _marked_tuple,
    b"]": _empty_list,
    b"a": _extend(lambda r: [r.stack.pop()]),
    b"e": _extend(_Reader.since_mark),
    b"N": _constant(None),
    b"\x88": _constant(value=True),
    b"\x89": _constant(value=False),
    b"J": _number("<i"),
    b"K": _number("<B"),
    b"M": _number("<H"),
    b"G": _number(">d"),
    b"\x8a": _long,
    b"X": _text("<I"),
    b"\x8c": _text("<B"),
    b"\x8d": _text("<Q"),
    b"B": _sized("<I"),
    b"C": _sized("<B"),
    b"\x8e": _sized("<Q"),
    b"\x96": _sized("<Q"),
    b"h": _get("<B"),
    b"j": _get("<I"),
    b"q": _put("<B"),
    b"r": _put("<I"),
    b"\x94": _memoize,
    b"c": _global,
    b"\x93": _stack_global,
    b"R": _Reader.reduce,
    b"b": _Reader.build,
}


def _expect(holds: object, what: str) -> None:
    if not holds:
        raise IntegrityError(f"the pickle has {what}.")
