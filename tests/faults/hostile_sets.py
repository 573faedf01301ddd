"""Restores hostile backups, and imports hostile tars, with little memory.

Run as a program: `hostile_sets.py FOLDER COUNT SEED`. Each case is a copy of a good place of
backups to which one thing was done. Prints a JSON document: what was done, how it ended, what was
changed outside the folder it was to write to, and the most memory, in MB.
"""

from __future__ import annotations

import functools
import hashlib
import io
import itertools
import json
import os
import random
import resource
import shutil
import signal
import sys
import tarfile
import time
from pathlib import Path

import orjson
import zstandard
from memory import peak_mb

from mlmcsc import DatabaseManager, restore_backup
from mlmcsc.adapters.crypto import PycaCryptography
from mlmcsc.errors import MlmcscError

ADDRESS_SPACE, SECONDS = 3 << 30, 60
SEED = bytes(range(32))
NAMES = (
    *("../out", "../../outside/canary", "/absolute/out", "database/../../out", "database/./x"),
    *("versions/../../outside/canary", "images/..", "..", ".", "", "database//x", "C:\\out"),
    *("\\\\server\\share", "database\\..\\out", "database/nul\0", "database/line\nfeed"),
    *("database/CON", "versions/caf\u00e9", "versions/cafe\u0301", "DATABASE/mlmcsc.db"),
    "a" * 5000,
    *("elsewhere/x", "database/mlmcsc.db/x", "versions/" + "d/" * 400 + "x", "database/\ud800"),
    *("database/mlmcsc.db-wal", "database/mlmcsc.db-journal", ".incomplete-1/x", "objects/x"),
)
ODD = (None, True, -1, 0, 2**62, 2**80, 1.5, "", "x", [], {}, ["a"], "aes-256-gcm", "zstd", "none")


class Place:
    """A good set, to be spoilt; files are written back when it is spoilt."""

    def __init__(self, folder, outside, rng):
        self.folder, self.outside, self.rng = folder, outside, rng
        self.set = folder / "b1"
        self.manifest = json.loads((self.set / "manifest.json").read_text())
        raw = (self.set / "files.jsonl.zst").read_bytes()
        self.files = [json.loads(line) for line in self.unpacked(raw).splitlines()]
        self.index = None

    @staticmethod
    def unpacked(raw):
        unpacker = zstandard.ZstdDecompressor()
        return unpacker.stream_reader(io.BytesIO(raw), read_across_frames=True).read()

    def write(self, signer):
        """The list and the manifest, signed by somebody, or as it was signed before."""
        text = b"".join(json.dumps(each).encode() + b"\n" for each in self.files)
        raw = self.index or zstandard.compress(text)
        (self.set / "files.jsonl.zst").write_bytes(raw)
        if signer == "nobody":
            return
        described = self.manifest.get("index")
        if isinstance(described, dict):
            described["stored_bytes"] = len(raw)
            described["stored_sha256"] = hashlib.sha256(raw).hexdigest()
        if self.index is None and isinstance(described, dict):
            described["n_bytes"], described["sha256"] = len(text), hashlib.sha256(text).hexdigest()
            self.manifest["n_files"] = len(self.files)
        self.manifest.pop("signature", None)
        try:
            told = orjson.dumps(self.manifest, option=orjson.OPT_SORT_KEYS)
        except TypeError:  # a number that orjson cannot write: nobody could sign it
            told = b""
        crypto = PycaCryptography()
        signature = crypto.sign(SEED, b"mlmcsc-backup-1\n" + told)
        public = crypto.public_key(SEED)
        key_id = hashlib.sha256(public).hexdigest()[:16]
        named = {"key_id": key_id, "public_key": public.hex(), "signature": signature.hex()}
        text = json.dumps(self.manifest | {"signature": named})
        (self.set / "manifest.json").write_text(text)

    def stored(self):
        """A file of the set, and what the list says of it."""
        entry = self.rng.choice(self.files)
        return self.folder / entry["key"], entry


def named(place):
    """A name that leads elsewhere, or means something to the system."""
    place.rng.choice(place.files)["name"] = place.rng.choice(NAMES)


def keyed(place):
    """A key that leads elsewhere."""
    place.rng.choice(place.files)["key"] = place.rng.choice(NAMES)


def added(place):
    """A further entry, whose content is there, under a bad name; or twice the same."""
    entry = dict(place.rng.choice(place.files))
    entry["name"] = place.rng.choice((*NAMES, entry["name"], entry["name"].upper()))
    place.files.append(entry)


def odd(place):
    """A member of the list or of the manifest that is of another kind or size."""
    chosen = place.rng.choice((*place.files, place.manifest, place.manifest["index"]))
    chosen[place.rng.choice(sorted(chosen))] = place.rng.choice(ODD)


def lacking(place):
    """A member too few or too many."""
    chosen = place.rng.choice((*place.files, place.manifest, place.manifest["index"]))
    if place.rng.random() < 0.5:
        chosen.pop(place.rng.choice(sorted(chosen)))
    else:
        chosen["more"] = "x"


@functools.cache
def zeros():
    """A gibibyte of them, packed."""
    packer = zstandard.ZstdCompressor(level=1).compressobj()
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(1024)) + packer.flush()


def bomb(place):
    """Zstandard that unpacks to a million times its size; in the list, or as a file of the set."""
    raw = zeros()
    if place.rng.random() < 0.3:
        place.index = raw
        place.manifest["index"] |= {"n_bytes": place.rng.choice((1, 1 << 30)), "sha256": "0" * 64}
        return
    path, entry = place.stored()
    path.write_bytes(raw)
    entry |= {"stored_bytes": len(raw), "stored_sha256": hashlib.sha256(raw).hexdigest()}
    entry["n_bytes"] = place.rng.choice((entry["n_bytes"], 1, 1 << 20))


def cut(place):
    """A stored file that is cut off, or has more at its end."""
    path, _ = place.stored()
    content = path.read_bytes()
    middle = place.rng.randrange(len(content))
    path.write_bytes(content[:middle] if place.rng.random() < 0.5 else content + content[:middle])


def swapped(place):
    """Two stored files that changed places."""
    first, second = (place.folder / each["key"] for each in place.files[:2])
    first.rename(first.with_name("x"))
    second.rename(first)
    first.with_name("x").rename(second)


def linked(place):
    """A link, pipe or folder where a file, or the set itself, belongs."""
    choices = [place.stored()[0], place.set / "manifest.json", place.set / "files.jsonl.zst"]
    path = place.rng.choice([*choices, place.set / "database"])
    kind = place.rng.choice(("link", "loop", "zero", "pipe", "folder", "hard"))
    if path.is_dir():
        shutil.move(path, place.outside / f"moved-{place.rng.random()}")
        path.symlink_to(place.outside, target_is_directory=True)
        return
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "hard":
        os.link(place.outside / "canary", path)
    else:
        aims = {"link": place.outside / "canary", "loop": path, "zero": Path("/dev/zero")}
        path.symlink_to(aims[kind])


def renamed(place):
    """The manifest's name, and the set's folder, do not belong together."""
    place.manifest["name"] = place.rng.choice((*NAMES, "b2", "B1", "objects", "leases"))


def large(place):
    """A manifest of many megabytes, or one that is nested very deep."""
    nested = []
    for _ in range(900):
        nested = [nested]
    place.manifest["release"] = place.rng.choice(("x" * (5 << 20), nested))


SPOILERS = (named, keyed, added, odd, odd, lacking, bomb, cut, swapped, linked, renamed, large)
SIGNERS = ("trusted", "nobody", "another", "trusted")


def tar_of(rng):
    """A tar that says it is a dataset."""
    out = io.BytesIO()
    picture = io.BytesIO()
    from PIL import Image

    Image.new("RGB", (8, 8), (rng.randrange(256), 2, 3)).save(picture, "PNG")
    with tarfile.open(fileobj=out, mode="w", format=rng.choice((1, 2))) as tar:
        for number in range(3):
            entry = tarfile.TarInfo(f"{number}.png")
            content = picture.getvalue()
            kind = rng.randrange(8)
            if number == 1 and kind == 0:
                name = rng.choice(NAMES).replace("\ud800", "x").replace("\0", "x")
                entry.name = f"{name[:200]}.png"
            elif number == 1 and kind == 1:
                entry.type = rng.choice((tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE))
                entry.linkname = rng.choice(("../../outside/canary", "/etc/passwd", entry.name))
                content = b""
            elif number == 1 and kind == 2:
                entry.type, content = tarfile.CHRTYPE, b""
                entry.devmajor, entry.devminor = 1, 5
            elif number == 1 and kind == 3:
                entry.name = "0.png"
            elif number == 2 and kind == 4:
                entry.size = 1 << rng.choice((31, 40, 60)) if tar.format == 1 else 1 << 32
                tar.fileobj.write(entry.tobuf(tar.format))
                continue
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
            note = json.dumps({"label": 0.5}).encode()
            told = tarfile.TarInfo(f"{number}.json")
            told.size = len(note)
            tar.addfile(told, io.BytesIO(note))
    raw = bytearray(out.getvalue())
    if rng.random() < 0.3:
        del raw[rng.randrange(len(raw)) :]
    if rng.random() < 0.3 and raw:
        raw[rng.randrange(min(len(raw), 3000))] = rng.randrange(256)
    return bytes(raw)


def state_of(folder):
    """Every name below a folder, with content, kind and link."""
    found = {}
    for parent, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(parent, name)
            told = path.lstat()
            whole = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
            found[str(path)] = (told.st_mode, hashlib.sha256(whole).hexdigest())
    return found


def too_long(*_):
    raise TimeoutError(f"longer than {SECONDS} s")


def attempt(work):
    """How it ended: done, refused and why, or something that must not be."""
    signal.alarm(SECONDS)
    try:
        work()
    except MlmcscError as error:
        return "refused", str(error)
    except BaseException as error:  # noqa: BLE001  # whatever it is, the test is told
        return "broke", repr(error)[:500]
    else:
        return "done", ""
    finally:
        signal.alarm(0)


def spoilt(case, good, outside, rng, spoil, signer):
    """A copy of the good place with one thing done to it."""
    shutil.copytree(good, case / "place")
    place = Place(case / "place", outside, rng)
    if spoil not in {cut, swapped, linked}:
        spoil(place)
        place.write(signer)
        return
    if signer != "nobody":
        place.write(signer)
    spoil(place)


def try_set(case, live, signer):
    trust = hashlib.sha256(PycaCryptography().public_key(SEED)).hexdigest()[:16]
    chosen = {"trust": trust} if signer == "trusted" else {}
    target = case / "inside" / "restored.db"
    chosen |= {"place": case / "place", "to": str(target)}
    return attempt(lambda: restore_backup("b1", f"sqlite:///{live}", **chosen))


def try_tar(case):
    with DatabaseManager(f"sqlite:///{case}/inside/lab.db") as db:
        db.register_technician("t1", "Jo")
        data, rejected = case / "place" / "data.tar", case / "inside" / "rejects.csv"
        chosen = {"technician": "t1", "rejected_to": rejected}
        return attempt(lambda: db.dataset_imports.import_dataset(data, "webdataset", **chosen))


def one_case(folder, number, spoil, signer, rng):
    """What became of one hostile set, or tar where `spoil` is None."""
    case, outside = folder / f"case-{number}", folder / "outside"
    (case / "inside").mkdir(parents=True)
    if spoil is not None:
        spoilt(case, folder / "good", outside, rng, spoil, signer)
    else:
        (case / "place").mkdir()
        (case / "place" / "data.tar").write_bytes(tar_of(rng))
    watched = (outside, case / "place", folder / "good")
    before = [*map(state_of, watched), sorted(os.listdir(folder))]
    ended, why = try_tar(case) if spoil is None else try_set(case, folder / "live.db", signer)
    after = [*map(state_of, watched), sorted(os.listdir(folder))]
    told = {
        "number": number,
        "spoiler": "tar" if spoil is None else spoil.__name__,
        "signer": signer,
        "ended": ended,
        "why": why,
        "untouched": before == after,
        "left": sorted(os.listdir(case / "inside")),
    }
    shutil.rmtree(case)
    return told


def main(folder, count, seed):
    rng = random.Random(seed)  # noqa: S311  # repeatable on purpose
    signal.signal(signal.SIGALRM, too_long)
    (folder / "outside").mkdir()
    (folder / "outside" / "canary").write_text("untouched")
    with DatabaseManager(f"sqlite:///{folder}/live.db") as db:
        db.register_technician("t1", "Jo")
        db.backups.create("b1", to=folder / "good")
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    began = time.monotonic()
    every = itertools.cycle(itertools.product(SIGNERS, (*SPOILERS, None, None)))
    cases = [
        one_case(folder, number, spoil, signer, rng)
        for number, (signer, spoil) in enumerate(itertools.islice(every, count))
    ]
    seconds = round(time.monotonic() - began, 1)
    print(json.dumps({"cases": cases, "memory_mb": peak_mb(), "seconds": seconds}))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
