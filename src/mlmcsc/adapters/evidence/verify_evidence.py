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
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Any

Json = dict[str, Any]
Point = tuple[int, int, int, int]
FILES = "README.txt checkpoint.json consistency.jsonl events.jsonl subject.json verify.py"
SIGNED_FOR = "README.txt consistency.jsonl events.jsonl"
ODD = LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError
UNREADABLE = (*ODD, OSError, EOFError, zipfile.BadZipFile, zlib.error, struct.error)
LARGEST = 1 << 28  # bytes of a line, or of a file that is read at once
HASH, SALT = 32, 16  # bytes of each; an Ed25519 key has 32 too, a signature twice that
CHECKPOINT = "key_id origin public_key root_hash signature timestamp tree_size"
SUBJECT = (
    "does_not_prove events events_after_the_checkpoint files format kind made_at name origin "
    "proves signature who_disclosed"
)
# What a leaf commits to besides the two parts, in its order.
FIELDS = "id operation table_name record_id subject_id timestamp n_rows digest"
EVENT = f"{FIELDS} who who_commit payload payload_commit seq path"
SHOWN = ("who disclosed", "who withheld", "who redacted", "values disclosed", "values redacted")
WHO, PAYLOAD = "salt user_id reason ip_address user_agent", "salt old new"
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
    if number == 0:
        return 0, 1, 1, 0
    half = times(number >> 1, add(point, point))
    return add(half, point) if number & 1 else half


def decode_point(encoded: bytes) -> Point | None:
    """The point of 32 bytes, or None if they encode none (RFC 8032 §5.1.3)."""
    sign, y = divmod(int.from_bytes(encoded, "little"), 2**255)
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if y >= P or len(encoded) != HASH or (x * x - x2) % P or (x == 0 and sign):
        return None
    x = x if x & 1 == sign else P - x
    return x, y, 1, x * y % P


BASE = decode_point((4 * pow(5, P - 2, P) % P).to_bytes(HASH, "little"))


def signature_holds(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether an Ed25519 signature is genuine (RFC 8032 §5.1.7, without cofactor)."""
    key, r = decode_point(public_key), decode_point(signature[:HASH])
    s = int.from_bytes(signature[HASH:], "little")
    if key is None or r is None or BASE is None or s >= ORDER or len(signature) != 2 * HASH:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:HASH] + public_key + message).digest(), "little")
    a, b = times(s, BASE), add(r, times(k % ORDER, key))
    return not ((a[0] * b[2] - b[0] * a[2]) % P or (a[1] * b[2] - b[1] * a[2]) % P)


def sha256(*parts: bytes) -> bytes:
    """Of the parts, one behind the other."""
    return hashlib.sha256(b"".join(parts)).digest()


def climb(here: int, last: int, start: bytes, path: list[bytes]) -> tuple[bytes, bytes]:
    """From node `here` of a level that ends with `last` to the root, and that of the old tree."""
    left = every = start
    for sibling in path:
        if last == 0:
            return b"", b""
        if here & 1 or here == last:
            left, every = sha256(NODE, sibling, left), sha256(NODE, sibling, every)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            every = sha256(NODE, every, sibling)
        here, last = here >> 1, last >> 1
    return (left, every) if last == 0 else (b"", b"")


def opened(place: str, name: str) -> IO[bytes]:
    """A member of the ZIP or of the folder that it was unpacked to; links are refused."""
    is_folder = os.path.isdir(place)
    path = os.path.join(place, name) if is_folder else place
    if not os.path.isfile(path) or (is_folder and os.path.islink(path)):
        raise CannotTellError(f"{path} is missing, or no plain file")
    if is_folder:
        return open(path, "rb")
    bundle = zipfile.ZipFile(path)
    names = bundle.namelist()
    if len(set(names)) < len(names) or not {*names} <= {*FILES.split()}:
        raise CannotTellError("the ZIP holds what no evidence bundle does")
    if bundle.getinfo(name).compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise CannotTellError(f"{name} is compressed in a way that no evidence bundle is")
    return bundle.open(name)


def lines(place: str, name: str, *, at_once: bool = False) -> Iterator[bytes]:
    """A member's lines, one in memory at a time; or all at once."""
    try:
        with opened(place, name) as file:
            while line := file.read(LARGEST + 1) if at_once else file.readline(LARGEST + 1):
                if len(line) > LARGEST:
                    raise CannotTellError(f"{name} is too large: over {LARGEST} bytes in a piece")
                yield line
    except UNREADABLE as error:
        raise CannotTellError(f"{name} cannot be read: {error}") from None


def parse(text: bytes, what: str, fields: str) -> Json:
    """A JSON object with exactly these fields, each once."""

    def once(pairs: list[tuple[str, Any]]) -> Json:
        if len(dict(pairs)) != len(pairs):
            raise ChangedError(f"{what}: a field stands twice")
        return dict(pairs)

    try:
        found: Any = json.loads(text.decode(), object_pairs_hook=once)
    except ODD as error:
        raise ChangedError(f"{what}: {error}") from None
    if not isinstance(found, dict) or sorted(found) != sorted(fields.split()):
        raise ChangedError(f"{what}: fields are missing, unknown or malformed")
    return found


def compact(value: Any) -> bytes:
    """J of the documentation: compact JSON in UTF-8; of an object, with sorted names."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def unhex(text: Any, length: int) -> bytes:
    """Bytes of a lower-case hex text of exactly `length` bytes."""
    if not isinstance(text, str) or not re.fullmatch(f"[0-9a-f]{{{2 * length}}}", text):
        raise ChangedError("a hash is malformed")
    return bytes.fromhex(text)


def read_checkpoint(place: str, name: str) -> Json:
    """A checkpoint whose form and signature hold."""
    try:
        found = parse(b"".join(lines(place, name, at_once=True)), name, CHECKPOINT)
    except ChangedError as error:
        raise CannotTellError(f"this is no checkpoint: {error}") from None
    note = "mlmcsc-checkpoint-1\n{origin}\n{tree_size}\n{root_hash}\n{timestamp}\n"
    key, signature = unhex(found["public_key"], HASH), unhex(found["signature"], 2 * HASH)
    message = note.format(**found).encode("utf-8", "surrogatepass")
    if sha256(key).hex()[:16] != found["key_id"] or not signature_holds(key, signature, message):
        raise ChangedError(f"the checkpoint of {found['timestamp']}: its signature does not hold")
    return found


def read_subject(place: str, checkpoint: Json) -> Json:
    """What the producer says of the bundle, signed with the checkpoint's key."""
    text = b"".join(lines(place, "subject.json", at_once=True))
    found = parse(text, "subject.json", SUBJECT)
    if found["format"] != "mlmcsc-evidence-1":
        raise CannotTellError(f"format {found['format']!r} is not known to this script")
    if found["origin"] != checkpoint["origin"]:
        raise ChangedError("subject.json is of another database than the checkpoint")
    message = compact({name: value for name, value in found.items() if name != "signature"})
    key, signature = bytes.fromhex(checkpoint["public_key"]), unhex(found["signature"], 2 * HASH)
    if not signature_holds(key, signature, b"mlmcsc-evidence-1\n" + message):
        raise ChangedError("subject.json: the signature does not hold")
    for name in SIGNED_FOR.split():
        digest = hashlib.sha256()
        for line in lines(place, name):
            digest.update(line)
        if digest.hexdigest() != found["files"][name]:
            raise ChangedError(f"{name} is not the file that subject.json was signed for")
    return found


def check_part(what: str, part: Json, fields: str) -> str:
    """The state of `who` or `payload`: only what is disclosed, and so checked, may be shown."""
    state = part["state"]
    wanted = ["state", *(fields.split() if state == "disclosed" else ())]
    if f"{what} {state}" not in SHOWN or sorted(part) != sorted(wanted):
        raise ChangedError(f"{what}: an unknown state, or fields that its state must not have")
    return str(state)


def check_event(event: Json, checkpoint: Json, about: Json) -> tuple[str, str]:
    """One event: its parts, its leaf, its place under the signed root, the rows it is about."""
    who_commit, payload_commit = (unhex(event[f"{p}_commit"], HASH) for p in ("who", "payload"))
    who, payload = event["who"], event["payload"]
    states = check_part("who", who, WHO), check_part("values", payload, PAYLOAD)
    if states[0] == "disclosed":
        values = [who[name] for name in WHO.split()[1:]]
        if sha256(unhex(who["salt"], SALT), compact(values)) != who_commit:
            raise ChangedError("who did it is not what was committed to")
    if states[1] == "disclosed":
        texts = ["null" if t is None else t for t in (payload["old"], payload["new"])]
        if sha256(unhex(payload["salt"], SALT), "\n".join(texts).encode()) != payload_commit:
            raise ChangedError("the values before and after are not those committed to")
    fields = ["mlmcsc-audit-1", *(event[name] for name in FIELDS.split())]
    leaf = sha256(LEAF, compact(fields), who_commit, payload_commit)
    seq, size, root = event["seq"], checkpoint["tree_size"], unhex(checkpoint["root_hash"], HASH)
    path = [unhex(each, HASH) for each in event["path"]]
    if not 0 <= seq < size or climb(seq, size - 1, leaf, path)[1] != root:  # RFC 9162 §2.1.3.2
        raise ChangedError("it is not in the signed trail, or its fields were changed")
    if event["table_name"] != about["table"] or event["record_id"] not in [None, *about["ids"]]:
        raise ChangedError("it is about other rows than subject.json says")
    return states


def check_events(place: str, subject: Json, checkpoint: Json) -> tuple[int, str]:
    """All events, and that they are those that the subject names; how many, showing what."""
    named = {each["id"]: each["about"] for each in subject["events"]}
    number, shown = 0, dict.fromkeys(SHOWN, 0)
    for number, line in enumerate(lines(place, "events.jsonl"), start=1):
        event = parse(line, f"events.jsonl line {number}", EVENT)
        try:
            who, payload = check_event(event, checkpoint, named.pop(event["id"]))
        except (ChangedError, *ODD) as error:
            raise ChangedError(f"event {event['id']} (line {number}): {error}") from None
        shown[f"who {who}"] += 1
        shown[f"values {payload}"] += 1
    if named:
        raise ChangedError("events.jsonl and subject.json name different events")
    if number == 0:
        raise CannotTellError("the bundle holds no event, and so proves nothing")
    return number, ", ".join(f"{part}: {count}" for part, count in shown.items())


def check_pinned(pinned: Json, checkpoint: Json, place: str) -> str:
    """That the bundle's trail begins with the one of a checkpoint kept elsewhere."""
    if pinned["origin"] != checkpoint["origin"]:
        raise CannotTellError(f"the checkpoint given is of another database, {pinned['origin']}")
    if pinned["public_key"] != checkpoint["public_key"]:
        raise ChangedError("the bundle is signed with another key than the checkpoint given")
    old, new = pinned["tree_size"], checkpoint["tree_size"]
    roots = tuple(bytes.fromhex(each["root_hash"]) for each in (pinned, checkpoint))
    if not 0 < old <= new:
        raise CannotTellError("the checkpoint given is newer than the bundle: ask for a new bundle")
    if old == new:
        if roots[0] != roots[1]:
            raise ChangedError("the checkpoint given has another root: the trail was changed")
        return "the bundle's checkpoint is the one given"
    for line in lines(place, "consistency.jsonl"):
        entry = parse(line, "consistency.jsonl", "path root_hash timestamp tree_size")
        if entry["tree_size"] == old:
            path = [unhex(each, HASH) for each in entry["path"]]
            path = path if old & (old - 1) else [roots[0], *path]
            here, last = old - 1, new - 1
            while here & 1:
                here, last = here >> 1, last >> 1
            if climb(here, last, path[0], path[1:]) == roots:
                return f"the trail begins with the {old} events of the checkpoint given"
            raise ChangedError("the trail does not begin with that of the checkpoint given")
    raise CannotTellError("the bundle holds no proof from the checkpoint given to its own")


def verify(place: str, public_key: str | None, pinned: str | None) -> None:
    """Every check, told as it is done."""
    checkpoint = read_checkpoint(place, "checkpoint.json")
    tell(
        "ok    {origin}: {tree_size} events, signed {timestamp}, key {key_id}".format(**checkpoint)
    )
    if public_key is not None:
        if checkpoint["public_key"] != public_key.lower():
            raise ChangedError("the bundle is signed with another key than the one given")
        tell("ok    it is signed with the key given")
    if pinned is not None:
        outside = read_checkpoint(*os.path.split(os.path.realpath(pinned)))
        tell(f"ok    {check_pinned(outside, checkpoint, place)}")
    subject = read_subject(place, checkpoint)
    count, shown = check_events(place, subject, checkpoint)
    tell(f"ok    {count} events are in the signed trail ({shown})")
    tell(f"note  that they are of {subject['kind']} {subject['name']} is the producer's statement:")
    tell("      neither name nor ids are proven to be its own, unless a disclosed value shows it")
    if public_key is None and pinned is None:
        tell(f"note  compare the key id {checkpoint['key_id']} with the laboratory's own word")


def tell(line: str) -> None:
    """Print a line; control characters are shown, not sent."""
    sys.stdout.write("".join(c if c.isprintable() else ascii(c)[1:-1] for c in line) + "\n")


def main(arguments: list[str] | None = None) -> int:
    """Run from the command line; the exit code."""
    as_written = argparse.RawDescriptionHelpFormatter
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=as_written)
    here = os.path.dirname(os.path.abspath(__file__))
    reader.add_argument("bundle", nargs="?", default=here, help="ZIP file or unpacked folder")
    reader.add_argument("--public-key", metavar="HEX", help="the key as you know it")
    reader.add_argument("--checkpoint", metavar="FILE", help="a checkpoint kept elsewhere")
    asked = reader.parse_args(arguments)
    code, told = 0, "intact"
    try:
        verify(asked.bundle, asked.public_key, asked.checkpoint)
    except (ChangedError, *ODD) as error:
        code, told = 1, f"FAIL  {error}"
    except CannotTellError as error:
        code, told = 2, f"??    cannot tell: {error}"
    tell(told)
    return code


if __name__ == "__main__":
    sys.exit(main())
