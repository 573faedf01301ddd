"""Check an evidence bundle of mlmcsc, with nothing but Python (3.9 or newer).

    python3 verify.py BUNDLE.zip                      the ZIP as it came
    python3 verify.py                                 unpacked: the folder of this script
    python3 verify.py BUNDLE.zip --public-key HEX     the laboratory's key, known from elsewhere
    python3 verify.py BUNDLE.zip --checkpoint FILE    a checkpoint kept elsewhere

Without --public-key or --checkpoint the key comes from the bundle itself: that proves that the
bundle is whole, not who made it. Compare the key id with one that you have from the laboratory.

Exit code: 0 every check held, 1 something was changed, 2 cannot tell.

Sources: RFC 8032 (Ed25519), RFC 6962 and RFC 9162 (Merkle trees and proofs), FIPS 180-4 (SHA-256).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import stat
import sys
import zipfile

MEMBERS = {
    "README.txt",
    "checkpoint.json",
    "consistency.jsonl",
    "events.jsonl",
    "subject.json",
    "verify.py",
}
LARGEST = 1 << 30
"""Bytes of a member that are read; more is no evidence but an attack."""
LONGEST_CHECKPOINT = 4096


class CannotTellError(Exception):
    """Something needed to judge is missing or unreadable: exit code 2."""


class ChangedError(Exception):
    """Something is not as it was signed: exit code 1."""


# Ed25519, RFC 8032 §5.1, in extended coordinates; plain and slow: one signature takes 10 ms.

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


def add(a, b):
    """The sum of two points (RFC 8032 §5.1.4)."""
    s, t = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = t - s, d - c, d + c, t + s
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number, point):
    """A multiple of a point."""
    found = (0, 1, 1, 0)
    while number:
        if number & 1:
            found = add(found, point)
        point = add(point, point)
        number >>= 1
    return found


def decode_point(encoded):
    """The point of 32 bytes, or None if they encode none (RFC 8032 §5.1.3)."""
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - x2) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def encode_point(point):
    """A point as 32 bytes (RFC 8032 §5.1.2)."""
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE = decode_point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signature_holds(public_key, signature, message):
    """Whether an Ed25519 signature is genuine (RFC 8032 §5.1.7)."""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    key, s = decode_point(public_key), int.from_bytes(signature[32:], "little")
    if key is None or s >= ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public_key + message).digest(), "little")
    minus_key = (P - key[0], key[1], key[2], P - key[3])
    found = add(times(s, BASE), times(k % ORDER, minus_key))
    return encode_point(found) == signature[:32]


# Merkle trees with SHA-256.


def sha256(data):
    """32 bytes."""
    return hashlib.sha256(data).digest()


def node(left, right):
    """A node over two subtrees (RFC 6962 §2.1)."""
    return sha256(b"\x01" + left + right)


def inclusion_holds(leaf, index, size, path, root):
    """RFC 9162 §2.1.3.2."""
    if not 0 <= index < size:
        return False
    here, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if here & 1 or here == last:
            found = node(sibling, found)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            found = node(found, sibling)
        here, last = here >> 1, last >> 1
    return last == 0 and found == root


def consistency_holds(old_size, old_root, new_size, new_root, proof):
    """RFC 9162 §2.1.4.2."""
    if not 0 < old_size < new_size or not proof:
        return False
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    here, last = old_size - 1, new_size - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if here & 1 or here == last:
            old, new = node(sibling, old), node(sibling, new)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            new = node(new, sibling)
        here, last = here >> 1, last >> 1
    return last == 0 and old == old_root and new == new_root


# Reading: only the six known names, only plain files, never more than the limit.


def read_zip(path, name):
    """A member's bytes; nothing is unpacked to the disk."""
    with zipfile.ZipFile(path) as bundle:
        names = bundle.namelist()
        odd = [n for n in names if n not in MEMBERS] + [n for n in MEMBERS if names.count(n) > 1]
        if odd:
            raise CannotTellError(f"the ZIP holds {odd[0]!r}, which no evidence bundle does")
        if name not in names:
            raise CannotTellError(f"{name} is missing")
        with bundle.open(name) as member:
            return member.read(LARGEST + 1)


def read_plain(path):
    """A plain file's bytes; links and devices are refused."""
    if not stat.S_ISREG(os.lstat(path).st_mode):
        raise CannotTellError(f"{path} is no plain file")
    with open(path, "rb") as file:
        return file.read(LARGEST + 1)


def read_text(place, name):
    """A member's text, from the ZIP or from the folder that it was unpacked to."""
    try:
        in_folder = os.path.isdir(place)
        data = read_plain(os.path.join(place, name)) if in_folder else read_zip(place, name)
        if len(data) > LARGEST:
            raise CannotTellError(f"{name} is larger than {LARGEST} bytes")
        return data.decode("utf-8")
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError, UnicodeError) as error:
        raise CannotTellError(f"{name} cannot be read: {error}") from None


def parse(text, what):
    """JSON, each field once."""

    def once(pairs):
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a field stands twice")
        return found

    try:
        found = json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise ChangedError(f"{what}: {error}") from None
    if not isinstance(found, dict):
        raise ChangedError(f"{what}: is no JSON object")
    return found


def compact(values):
    """J of the documentation: compact JSON in UTF-8."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def unhex(text, length):
    """Bytes of a lower-case hex text of exactly `length` bytes."""
    if not isinstance(text, str) or not re.fullmatch(f"[0-9a-f]{{{2 * length}}}", text):
        raise ValueError("a hash is malformed")
    return bytes.fromhex(text)
