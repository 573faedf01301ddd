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
import sys
import zipfile
import zlib
from typing import Any

Json = dict[str, Any]
Point = tuple[int, int, int, int]
Hashes = list[bytes]

FILES = "README.txt checkpoint.json consistency.jsonl events.jsonl subject.json verify.py"
UNREADABLE = OSError, EOFError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error
LARGEST = 1 << 30
"""Bytes of a member that are read; more is no evidence but an attack."""
HASH, SALT = 32, 16
"""Bytes of each; an Ed25519 key has 32 too, a signature twice that."""
CHECKPOINT = "key_id origin public_key root_hash signature timestamp tree_size"
FIELDS = "id operation table_name record_id subject_id timestamp n_rows digest"
"""What a leaf commits to besides the two parts, in its order."""
LEAF, NODE = b"\x00", b"\x01"  # RFC 6962 §2.1


class CannotTellError(Exception):
    """Something needed to judge is missing or unreadable: exit code 2."""


class ChangedError(Exception):
    """Something is not as it was signed: exit code 1."""


P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
"""Ed25519: RFC 8032 §5.1, in extended coordinates; plain and slow, 10 ms a signature."""


def add(a: Point, b: Point) -> Point:
    """The sum of two points (RFC 8032 §5.1.4)."""
    s, t = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = t - s, d - c, d + c, t + s
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number: int, point: Point) -> Point:
    """A multiple of a point."""
    found = (0, 1, 1, 0)
    while number:
        if number & 1:
            found = add(found, point)
        point = add(point, point)
        number >>= 1
    return found


def decode_point(encoded: bytes) -> Point | None:
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


BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202
BASE = (BASE_X, 4 * pow(5, P - 2, P) % P, 1, BASE_X * 4 * pow(5, P - 2, P) % P)


def signature_holds(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether an Ed25519 signature is genuine (RFC 8032 §5.1.7)."""
    if len(public_key) != HASH or len(signature) != 2 * HASH:
        return False
    key, s = decode_point(public_key), int.from_bytes(signature[HASH:], "little")
    if key is None or s >= ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:HASH] + public_key + message).digest(), "little")
    minus_key = (P - key[0], key[1], key[2], P - key[3])
    found = add(times(s, BASE), times(k % ORDER, minus_key))
    inverse = pow(found[2], P - 2, P)
    x, y = found[0] * inverse % P, found[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(HASH, "little") == signature[:HASH]


def sha256(*parts: bytes) -> bytes:
    """Of the parts, one behind the other."""
    return hashlib.sha256(b"".join(parts)).digest()


def climb(here: int, last: int, start: bytes, path: Hashes) -> tuple[bytes, bytes] | None:
    """From node `here` of a level that ends with `last` up to the root.

    The second hash takes every sibling, the first those on the left alone: RFC 9162 §2.1.4.2 needs
    both, §2.1.3.2 the second.
    """
    left = every = start
    for sibling in path:
        if last == 0:
            return None
        if here & 1 or here == last:
            left, every = sha256(NODE, sibling, left), sha256(NODE, sibling, every)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            every = sha256(NODE, every, sibling)
        here, last = here >> 1, last >> 1
    return (left, every) if last == 0 else None


def inclusion_holds(leaf: bytes, index: int, size: int, path: Hashes, root: bytes) -> bool:
    """Whether the leaf has this place under this root (RFC 9162 §2.1.3.2)."""
    found = climb(index, size - 1, leaf, path) if 0 <= index < size else None
    return found is not None and found[1] == root


def consistency_holds(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Hashes
) -> bool:
    """Whether the new tree begins with the old one (RFC 9162 §2.1.4.2)."""
    if not 0 < old_size < new_size or not proof:
        return False
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    here, last = old_size - 1, new_size - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    return climb(here, last, path[0], path[1:]) == (old_root, new_root)


def read_zip(path: str, name: str) -> bytes:
    """A member's bytes; nothing is unpacked to the disk."""
    with zipfile.ZipFile(path) as bundle:
        names = bundle.namelist()
        odd = [n for n in names if n not in FILES.split() or names.count(n) > 1]
        if odd:
            raise CannotTellError(f"the ZIP holds {odd[0]!r}, which no evidence bundle does")
        with bundle.open(name) as member:
            return member.read(LARGEST)


def read_plain(folder: str, name: str) -> bytes:
    """A plain file's bytes; links and devices are refused."""
    path = os.path.join(folder, name)
    if os.path.islink(path) or not os.path.isfile(path):
        raise CannotTellError(f"{path} is missing, or no plain file")
    with open(path, "rb") as file:
        return file.read(LARGEST)


def read_text(place: str, name: str) -> str:
    """A member's text, from the ZIP or from the folder that it was unpacked to."""
    try:
        return (read_plain if os.path.isdir(place) else read_zip)(place, name).decode("utf-8")
    except UNREADABLE as error:
        raise CannotTellError(f"{name} cannot be read: {error}") from None


def parse(text: str, what: str) -> Json:
    """JSON, each field once."""

    def once(pairs: list[tuple[str, Any]]) -> Json:
        if len(dict(pairs)) != len(pairs):
            raise ChangedError(f"{what}: a field stands twice")
        return dict(pairs)

    try:
        found: Any = json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        raise ChangedError(f"{what}: {error}") from None
    if not isinstance(found, dict):
        raise ChangedError(f"{what}: is no JSON object")
    return found


def compact(values: list[Any]) -> bytes:
    """J of the documentation: compact JSON in UTF-8."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def unhex(text: Any, length: int) -> bytes:
    """Bytes of a lower-case hex text of exactly `length` bytes."""
    if not isinstance(text, str) or not re.fullmatch(f"[0-9a-f]{{{2 * length}}}", text):
        raise ChangedError("a hash is malformed")
    return bytes.fromhex(text)


def read_checkpoint(text: str) -> Json:
    """A checkpoint whose form and signature hold."""
    try:
        found = parse(text, "the checkpoint")
    except ChangedError as error:
        raise CannotTellError(f"{error}") from None
    if sorted(found) != CHECKPOINT.split() or not isinstance(found["tree_size"], int):
        raise CannotTellError("this is no checkpoint: fields are missing, unknown or malformed")
    note = "mlmcsc-checkpoint-1\n{origin}\n{tree_size}\n{root_hash}\n{timestamp}\n"
    key, signature = unhex(found["public_key"], HASH), unhex(found["signature"], 2 * HASH)
    unhex(found["root_hash"], HASH)
    message = note.format(**found).encode("utf-8", "surrogatepass")
    if sha256(key).hex()[:16] != found["key_id"]:
        raise ChangedError("the checkpoint: key_id is not that of public_key")
    if not signature_holds(key, signature, message):
        raise ChangedError(f"the checkpoint of {found['timestamp']}: the signature does not hold")
    return found


def check_event(event: Json, checkpoint: Json, about: Json) -> None:
    """One event: its parts, its leaf, its place under the signed root, the rows it is about."""
    who_commit = unhex(event["who_commit"], HASH)
    payload_commit = unhex(event["payload_commit"], HASH)
    who, payload = event["who"], event["payload"]
    if who["state"] == "disclosed":
        values = [who["user_id"], who["reason"], who["ip_address"], who["user_agent"]]
        if sha256(unhex(who["salt"], SALT) + compact(values)) != who_commit:
            raise ChangedError("who did it is not what was committed to")
    if payload["state"] == "disclosed":
        old, new = ("null" if t is None else t for t in (payload["old"], payload["new"]))
        texts = f"{old}\n{new}".encode()
        if sha256(unhex(payload["salt"], SALT) + texts) != payload_commit:
            raise ChangedError("the values before and after are not those committed to")
    fields = ["mlmcsc-audit-1", *(event[name] for name in FIELDS.split())]
    leaf = sha256(LEAF, compact(fields), who_commit, payload_commit)
    root, size = bytes.fromhex(checkpoint["root_hash"]), checkpoint["tree_size"]
    path = [unhex(each, HASH) for each in event["path"]]
    if not inclusion_holds(leaf, int(event["seq"]), size, path, root):
        raise ChangedError("it is not in the signed trail, or its fields were changed")
    if event["table_name"] != about["table"] or event["record_id"] not in [None, *about["ids"]]:
        raise ChangedError("it is about other rows than subject.json says")


def check_events(text: str, subject: Json, checkpoint: Json) -> int:
    """All events, and that they are those that the subject names; their number."""
    named = {each["id"]: each["about"] for each in subject["events"]}
    lines = [line for line in text.split("\n") if line]
    for number, line in enumerate(lines, start=1):
        event = parse(line, f"events.jsonl line {number}")
        try:
            check_event(event, checkpoint, named.pop(event["id"]))
        except (ChangedError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise ChangedError(f"event {event.get('id')} (line {number}): {error}") from None
    if named:
        raise ChangedError("events.jsonl and subject.json name different events")
    return len(lines)


def check_pinned(pinned: Json, checkpoint: Json, history: str) -> str:
    """That the bundle's trail begins with the one of a checkpoint kept elsewhere."""
    if pinned["origin"] != checkpoint["origin"]:
        raise CannotTellError(f"the checkpoint given is of another database, {pinned['origin']}")
    if pinned["public_key"] != checkpoint["public_key"]:
        raise ChangedError("the bundle is signed with another key than the checkpoint given")
    old, new = pinned["tree_size"], checkpoint["tree_size"]
    if old == new:
        if pinned["root_hash"] != checkpoint["root_hash"]:
            raise ChangedError("the checkpoint given has another root: the trail was changed")
        return "the bundle's checkpoint is the one given"
    if old > new:
        raise CannotTellError("the checkpoint given is newer than the bundle: ask for a new bundle")
    roots = [bytes.fromhex(each["root_hash"]) for each in (pinned, checkpoint)]
    for line in filter(None, history.split("\n")):
        entry = parse(line, "consistency.jsonl")
        if entry.get("tree_size") == old:
            proof = [unhex(each, HASH) for each in entry["path"]]
            if not consistency_holds(old, roots[0], new, roots[1], proof):
                raise ChangedError("the trail does not begin with that of the checkpoint given")
            return f"the trail begins with the {old} events of the checkpoint given"
    raise CannotTellError("the bundle holds no proof from the checkpoint given to its own")


def verify(place: str, public_key: str | None, pinned: str | None) -> None:
    """Every check, told as it is done."""
    checkpoint = read_checkpoint(read_text(place, "checkpoint.json"))
    told = "ok    {origin}: {tree_size} events, signed {timestamp} with key {key_id}"
    tell(told.format(**checkpoint))
    if public_key is not None:
        if checkpoint["public_key"] != public_key.lower():
            raise ChangedError("the bundle is signed with another key than the one given")
        tell("ok    it is signed with the key given")
    if pinned is not None:
        folder, name = os.path.split(os.path.realpath(pinned))
        outside = read_checkpoint(read_text(folder, name))
        history = read_text(place, "consistency.jsonl")
        tell(f"ok    {check_pinned(outside, checkpoint, history)}")
    subject = parse(read_text(place, "subject.json"), "subject.json")
    if subject.get("origin") != checkpoint["origin"]:
        raise ChangedError("subject.json is of another database than the checkpoint")
    count = check_events(read_text(place, "events.jsonl"), subject, checkpoint)
    about = f"{subject.get('kind')} {subject.get('name')}"
    tell(f"ok    {count} events of {about} are in the signed trail, with these values")
    if public_key is None and pinned is None:
        tell(f"note  compare the key id {checkpoint['key_id']} with the laboratory's own word")


def tell(line: str) -> None:
    """Print a line; control characters are shown, not sent."""
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
    sys.stdout.write(f"{shown}\n")


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; the exit code."""
    reader = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    here = os.path.dirname(os.path.abspath(__file__))
    reader.add_argument("bundle", nargs="?", default=here, help="ZIP file or unpacked folder")
    reader.add_argument("--public-key", metavar="HEX", help="the key as you know it")
    reader.add_argument("--checkpoint", metavar="FILE", help="a checkpoint kept elsewhere")
    asked = reader.parse_args(arguments)
    try:
        verify(asked.bundle, asked.public_key, asked.checkpoint)
    except (ChangedError, KeyError, TypeError, AttributeError) as error:
        tell(f"FAIL  {error}")
        return 1
    except CannotTellError as error:
        tell(f"??    cannot tell: {error}")
        return 2
    tell("intact")
    return 0


if __name__ == "__main__":
    sys.exit(main())
