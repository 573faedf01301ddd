"""One small file of every kind, made here, and patterns to put in them."""

import io

import numpy as np
import pytest
import tifffile
from PIL import Image

from mlmcsc.adapters.images import read_facts

HEIGHT, WIDTH = 24, 32


def by_pillow(picture, kind, **options):
    buffer = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def by_tifffile(pixels, **options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, **options)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def patterns():
    """Random pixels by name: grey, colour, grey16, colour16."""
    random = np.random.default_rng(0)
    return {
        "grey": random.integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8),
        "colour": random.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8),
        "grey16": random.integers(0, 65536, (HEIGHT, WIDTH), dtype=np.uint16),
        "colour16": random.integers(0, 65536, (HEIGHT, WIDTH, 3), dtype=np.uint16),
    }


@pytest.fixture(scope="session")
def samples(patterns):
    """Name to bytes: every container, depth and compression that the package reads."""
    grey, colour, grey16, _ = patterns.values()
    exif = Image.Exif()
    exif[271] = "Maker"
    exif[0x8769] = {36867: "2024:01:02 03:04:05", 33434: 0.01}
    palette = Image.fromarray(colour).quantize(16)
    pages = np.stack([grey16, grey16[::-1], grey16 // 2])
    large = np.tile(grey16, (4, 4))
    return {
        "jpeg": by_pillow(colour, "JPEG", exif=exif),
        "progressive jpeg": by_pillow(colour, "JPEG", progressive=True),
        "grey jpeg": by_pillow(grey, "JPEG"),
        "png": by_pillow(colour, "PNG", exif=exif),
        "16-bit png": by_pillow(grey16, "PNG"),
        "palette png": by_pillow(palette, "PNG"),
        "bmp": by_pillow(colour, "BMP"),
        "grey bmp": by_pillow(grey, "BMP"),
        "palette bmp": by_pillow(palette, "BMP"),
        "tiff": by_tifffile(grey),
        "multi-page tiff": by_tifffile(pages, photometric="minisblack"),
        "tiled tiff": by_tifffile(large, tile=(32, 32), compression="zlib"),
        "BigTIFF": by_tifffile(colour, bigtiff=True),
        "big-endian tiff": by_tifffile(grey16, byteorder=">"),
        "lzw tiff": by_tifffile(colour, compression="lzw", predictor=True),
        "jpeg tiff": by_tifffile(colour, compression="jpeg"),
        "OME-TIFF": by_tifffile(
            pages,
            ome=True,
            metadata={"axes": "ZYX", "PhysicalSizeX": 0.1, "PhysicalSizeXUnit": "µm"},
        ),
        "ImageJ tiff": by_tifffile(
            pages, imagej=True, resolution=(5, 5), metadata={"unit": "micron"}
        ),
    }


@pytest.fixture
def write(tmp_path):
    """Write bytes to a file named by default without any suffix, and return its path."""

    def write_file(content, name="image"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write_file


@pytest.fixture
def tiff(tmp_path):
    """Write a grey TIFF with private text tags and read its facts."""

    def facts_of(*tags, width=1024, read_options=None, **options):
        path = tmp_path / "image.tif"
        extra = [(code, 2, 0, text.encode("cp1252"), True) for code, text in tags]
        pixels = np.zeros((8, width), np.uint8)
        tifffile.imwrite(path, pixels, extratags=extra, **{"metadata": None, **options})
        return read_facts(path, fingerprint=False, **(read_options or {}))

    return facts_of
