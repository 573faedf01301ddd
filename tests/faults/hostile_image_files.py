"""Makes files that are no images, or bad ones, and ingests them with little memory.

Run as a program: `hostile_image_files.py FOLDER COUNT SEED WORKERS`. The files of a seed are always
the same. Prints a JSON document: how many of each kind there were, what became of them, which
stored ones cannot be read whole, seconds, and the most memory that any process held, in MB.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import random
import resource
import struct
import sys
import time
import zlib
from collections import Counter
from pathlib import Path

from memory import peak_mb

MEGAPIXELS = 8
"""The largest picture that the settings allow here."""
ADDRESS_SPACE = 3 << 30
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
BIG = (0, 1, 65_535, 65_536, 2**31 - 1, 2**31, 2**32 - 1)
LAUGHS = "".join(
    f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' if n else '<!ENTITY l0 "ha">' for n in range(10)
)


def samples():
    """Small real files of every kind, by suffix and name."""
    import numpy as np
    import tifffile
    from PIL import Image

    noise = np.random.default_rng(0)
    grey = noise.integers(0, 256, (24, 32), dtype=np.uint8)
    colour = noise.integers(0, 256, (24, 32, 3), dtype=np.uint8)
    deep = noise.integers(0, 65536, (24, 32), dtype=np.uint16)
    exif = Image.Exif()
    exif[271] = "Maker"
    exif[0x8769] = {36867: "2024:01:02 03:04:05", 33434: 0.01}

    def pillow(picture, kind, **options):
        out = io.BytesIO()
        Image.fromarray(picture).save(out, kind, **options)
        return out.getvalue()

    def tiff(pixels, **options):
        out = io.BytesIO()
        tifffile.imwrite(out, pixels, **options)
        return out.getvalue()

    pages = np.stack([deep, deep[::-1], deep // 2])
    ome = {"axes": "ZYX", "PhysicalSizeX": 0.1, "PhysicalSizeXUnit": "µm"}
    return {
        "jpeg": pillow(colour, "JPEG", exif=exif),
        "progressive.jpeg": pillow(colour, "JPEG", progressive=True),
        "png": pillow(colour, "PNG", exif=exif),
        "deep.png": pillow(deep, "PNG"),
        "bmp": pillow(colour, "BMP"),
        "grey.bmp": pillow(grey, "BMP"),
        "tif": tiff(grey),
        "pages.tif": tiff(pages, photometric="minisblack"),
        "tiled.tif": tiff(np.tile(deep, (4, 4)), tile=(32, 32), compression="zlib"),
        "big.tif": tiff(colour, bigtiff=True),
        "motorola.tif": tiff(deep, byteorder=">"),
        "lzw.tif": tiff(colour, compression="lzw", predictor=True),
        "jpeg.tif": tiff(colour, compression="jpeg"),
        "ome.tif": tiff(pages, ome=True, metadata=ome),
        "imagej.tif": tiff(pages, imagej=True, resolution=(5, 5), metadata={"unit": "micron"}),
    }


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + zlib.crc32(kind + body).to_bytes(4)


def png(width, height, data, *more, depth=8, colour=0):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    middle = b"".join(more) + chunk(b"IDAT", data)
    return b"\x89PNG\r\n\x1a\n" + header + middle + chunk(b"IEND", b"")


def directory(entries, following=0, byteorder="<"):
    """A classic TIFF with one directory at 8."""
    body = b"".join(struct.pack(f"{byteorder}HHII", *entry) for entry in entries)
    head = b"II*\0" if byteorder == "<" else b"MM\0*"
    count = struct.pack(f"{byteorder}H", len(entries))
    told = struct.pack(f"{byteorder}I", following)
    return head + struct.pack(f"{byteorder}I", 8) + count + body + told


def picture(**changed):
    """Entries of an 8 x 8 grey picture in one strip; `changed` by tag number as `t256=`."""
    usual = {256: 8, 257: 8, 258: 8, 259: 1, 262: 1, 273: 200, 277: 1, 278: 8, 279: 64}
    usual |= {int(name[1:]): value for name, value in changed.items()}
    return [(tag, 4, 1, value) for tag, value in sorted(usual.items())]


def truncated(rng, real):
    name, content = rng.choice(real)
    return name, content[: rng.randrange(len(content))]


def flipped(rng, real):
    name, content = rng.choice(real)
    changed = bytearray(content)
    reach = min(len(changed), rng.choice((64, 300, len(changed))))
    for _ in range(rng.randint(1, 12)):
        changed[rng.randrange(reach)] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    return name, bytes(changed)


def spliced(rng, real):
    """A piece doubled, removed, or taken from another file."""
    name, content = rng.choice(real)
    _, other = rng.choice(real)
    start, end = sorted(rng.randrange(len(content)) for _ in range(2))
    piece = other[: rng.randrange(len(other))]
    middle = rng.choice((b"", content[start:end] * 3, piece))
    return name, content[:start] + middle + content[end:]


def lying(rng, real):
    """A header that promises another size than there is."""
    by_name = dict(real)
    big = rng.choice(BIG)
    kind = rng.choice(("png", "bmp", "jpeg", "tif"))
    changed = bytearray(by_name[kind])
    if kind == "png":
        struct.pack_into(">I", changed, rng.choice((16, 20)), big)
        struct.pack_into(">I", changed, 29, zlib.crc32(changed[12:29]))
    elif kind == "bmp":
        struct.pack_into("<I", changed, rng.choice((2, 10, 14, 18, 22, 34, 46)), big)
    elif kind == "jpeg":
        at = changed.index(b"\xff\xc0") + rng.choice((5, 7))
        struct.pack_into(">H", changed, at, big & 0xFFFF)
    else:
        tag = rng.choice((256, 257, 258, 259, 262, 273, 277, 278, 279, 284, 322, 324, 339))
        return kind, directory(picture(**{f"t{tag}": big})).ljust(264, b"\x7f")
    return kind, bytes(changed)


def looping(rng, real):  # noqa: PLR0911  # a case a return
    """Directories that lead in circles, beyond the end, or to very many entries."""
    entries = picture()
    here = 8 + 2 + 12 * len(entries) + 4
    which = rng.randrange(7)
    if which == 0:
        return "tif", directory(entries, 8).ljust(264, b"\1")
    if which == 1:  # two that name each other
        second = struct.pack("<H", len(entries)) + directory(entries)[10:-4]
        return "tif", directory(entries, 400).ljust(400, b"\1") + second + struct.pack("<I", 8)
    if which == 2:
        return "tif", directory(entries, rng.choice((4, 7, here, 2**31, 2**32 - 1)))
    if which == 3:  # a sub-directory, EXIF or GPS block that is its own parent
        tag = rng.choice((330, 34665, 34853))
        return "tif", directory([*entries, (tag, 4, 1, 8)]).ljust(300, b"\1")
    if which == 4:  # a value of many gigabytes
        tag = rng.choice((270, 305, 700, 34118, 34682, 50838, 50839))
        return "tif", directory([*entries, (tag, rng.choice((1, 2, 7)), 2**32 - 1, 8)])
    if which == 5:
        return "tif", b"II*\0\x08\0\0\0\xff\xff" + bytes(rng.randrange(5000))
    big = struct.pack("<2sHHHQQ", b"II", 43, 8, 0, 16, rng.choice((2**63, 2**32, 70_000)))
    return "tif", big + bytes(rng.randrange(2000))


def bomb(rng, real):  # noqa: PLR0911  # a case a return
    """Small files that decode to much."""
    which = rng.randrange(8)
    side = rng.randint(20_000, 60_000)
    if which == 0:
        return "png", png(side, side, zlib.compress(bytes(1000)))
    if which == 1:  # more data than the header says
        return "png", png(16, 16, zlib.compress(bytes(20 << 20), 9))
    if which == 2:  # text and profiles that expand
        much = zlib.compress(bytes(32 << 20), 9)
        name = rng.choice((b"zTXt", b"iCCP"))
        body = b"a\0\0" + much
        return "png", png(8, 8, zlib.compress(bytes(72)), chunk(name, body))
    if which == 3:
        much = b"a\0\1\0\0\0" + zlib.compress(bytes(32 << 20), 9)
        return "png", png(8, 8, zlib.compress(bytes(72)), chunk(b"iTXt", much))
    if which == 4:  # a strip that expands to more than its picture
        much = zlib.compress(bytes(32 << 20), 9)
        head = directory(picture(t259=8, t279=len(much))).ljust(200, b"\0")
        return "tif", head + much
    if which == 5:  # entities that multiply, where OME puts its metadata
        laughs = f"<?xml version='1.0'?><!DOCTYPE OME [{LAUGHS}]><OME>&l9;</OME>".encode() + b"\0"
        entries = sorted([*picture(), (270, 2, len(laughs), 264)])
        return "tif", directory(entries).ljust(264, b"\1") + laughs
    if which == 6:  # XML of great depth
        deep = b"<OME>" + b"<a>" * 200_000 + b"\0"
        entries = sorted([*picture(), (270, 2, len(deep), 264)])
        return "tif", directory(entries).ljust(264, b"\1") + deep
    many = b"".join(chunk(b"tEXt", b"a\0b") for _ in range(20_000))
    return "png", png(8, 8, zlib.compress(bytes(72)), many)


def scans(rng, real):
    """JPEG: its scans or segments over and over."""
    content = dict(real)["progressive.jpeg"]
    start = content.index(b"\xff\xda")
    again = content[start:-2]
    if rng.random() < 0.5:
        return "jpeg", content[:-2] + again * rng.randint(2, 300) + content[-2:]
    segment = b"\xff\xe1" + (65_535).to_bytes(2) + bytes(65_533)
    return "jpeg", content[:2] + segment * rng.randint(1, 60) + content[2:]


def exif_block(rng, real):
    """JPEG: an EXIF block that loops or promises too much."""
    _, tiff = looping(rng, real)
    body = b"Exif\0\0" + tiff[:60_000]
    content = dict(real)["jpeg"]
    return "jpeg", content[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2) + body + content[2:]


def renamed(rng, real):
    """Something else, or another kind of image, under an image's name."""
    foreign = (
        b"MZ" + bytes(500), b"\x7fELF" + bytes(500), b"%PDF-1.7\n" + bytes(300),
        b"PK\3\4" + bytes(300), b"GIF89a" + bytes(300), b"#!/bin/sh\nrm -rf /\n", b"\0" * 4096,
        b"RIFF\0\0\0\0WEBP" + bytes(300), b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"",
        b"ID;energy\n1;12.5\n", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*",
        b"\xff\xd8\xff\xe0" + rng.randbytes(2000), b"BM" + rng.randbytes(2000),
        b"\x89PNG\r\n\x1a\n" + rng.randbytes(2000), b"II*\0" + rng.randbytes(2000),
    )  # fmt: skip
    content = rng.choice([*foreign, *(each for _, each in real)])
    return rng.choice(SUFFIXES)[1:], content


def appended(rng, real):
    """Two files in one."""
    name, content = rng.choice(real)
    other = rng.choice(real)[1]
    return name, content + rng.choice((b"PK\3\4" + bytes(100), other, rng.randbytes(9)))


KINDS = (
    *(truncated, truncated, flipped, flipped, flipped, spliced, spliced, lying, lying),
    *(looping, looping, bomb, scans, exif_block, renamed, appended),
)


def hostile(count, seed):
    """Kind, suffix and bytes of `count` files."""
    real = list(samples().items())
    rng = random.Random(seed)  # noqa: S311  # repeatable on purpose
    for make in itertools.islice(itertools.cycle(KINDS), count):
        name, content = make(rng, real)
        yield make.__name__, name.rpartition(".")[2], content


def lay_traps(folder, outside):
    """What is no regular file, under names of images; returns how many."""
    os.mkfifo(folder / "pipe.png")
    (folder / "folder.png").mkdir()
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "a.png").symlink_to("b.png")
    (folder / "b.png").symlink_to("a.png")
    (folder / "zero.png").symlink_to("/dev/zero")
    (folder / "gone.png").symlink_to(outside / "not-there.png")
    (folder / "up").symlink_to(folder.parent, target_is_directory=True)
    return 6


def make(folder, count, seed):
    made = Counter()
    for number, (kind, suffix, content) in enumerate(hostile(count, seed)):
        (folder / f"{number:05d}-{kind}.{suffix}").write_bytes(content)
        made[kind] += 1
    return made


def unread(db):
    """Stored images whose pixels are not all there."""
    from mlmcsc.adapters.images import read_pixels

    after, bad = 0, []
    while page := db.get_images(after_id=after, limit=500):
        for image in page:
            try:
                shape = read_pixels(image.path).shape
            except Exception as error:  # noqa: BLE001  # whatever it is, the test is told
                bad.append(f"{image.path}: {error}")
                continue
            if (image.height, image.width) != tuple(shape[:2]):
                bad.append(f"{image.path}: {shape} and not {image.height} x {image.width}")
        after = page[-1].id
    return bad


def memory():
    """Most memory that this process, or one of its children that ended, held, in MB."""
    return max(peak_mb(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)


def main(folder, count, seed, workers):
    from mlmcsc import DatabaseManager
    from mlmcsc.config import load_config

    files = folder / "files"
    files.mkdir()
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    started = time.monotonic()
    config = load_config()
    quality = config.quality.model_copy(update={"max_image_megapixels": MEGAPIXELS})
    config = config.model_copy(update={"quality": quality})
    made = make(files, count, seed)
    traps = lay_traps(files, folder)
    url = f"sqlite:///{folder}/lab.db"
    with DatabaseManager(url, config=config) as db:
        began = time.monotonic()
        report = db.ingest(files, workers=workers)
        told = {
            "made": made,
            "traps": traps,
            "stored": report.stored,
            "duplicates": len(report.duplicates),
            "rejected": [(each.where, each.reason) for each in report.errors],
            "seconds": round(time.monotonic() - began, 2),
            "memory_mb": memory(),
            "unread": unread(db),
            "seconds_in_all": round(time.monotonic() - started, 2),
        }
    print(json.dumps(told))  # noqa: T201  # the answer


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
