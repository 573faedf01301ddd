"""Image file formats, read by their structure: JPEG, PNG, BMP and TIFF.

A file is identified by its content; its suffix is never consulted.
"""

from __future__ import annotations

from mlmcsc.adapters.image_containers import bmp, jpeg, png, tiff
from mlmcsc.adapters.image_containers.container import Container, check_size
from mlmcsc.adapters.image_containers.source import ByteSource

REPLACED = "\ufffd"
"""What decoding puts in the place of bytes that are no text."""
SUPPORTED = "Convert it to JPEG, PNG, BMP or TIFF"
FOREIGN = (
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"ZISRAWFILE", "a Zeiss CZI image"),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an OLE file (old office document, Zeiss ZVI, Olympus OIB)",
    ),
    (b"\x00\x00\x00\x03\x00\x00", "a Gatan DM3 image"),
    (b"\x00\x00\x00\x04\x00\x00", "a Gatan DM4 image"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 image"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (b"SIMPLE  =", "a FITS image"),
)


def read_container(source: ByteSource, max_pixels: int) -> Container:
    """Identify the format, walk its structure to the end, and take the header.

    Args:
        source: The file's bytes.
        max_pixels: Largest allowed width x height of any page.

    Raises:
        ImageFileError: When the bytes are no supported image, are cut off or damaged, or describe
            more than `max_pixels`.
    """
    head = source.at(0, min(source.size, 64))
    if head.startswith(b"\xff\xd8\xff"):
        container = jpeg.read(source)
    elif head.startswith(png.SIGNATURE):
        container = png.read(source)
    elif head.startswith(tiff.SIGNATURES):
        container = tiff.read(source)
    elif head.startswith(b"BM") and bmp.plausible(head):
        container = bmp.read(source)
    else:
        raise source.fault(
            f"not an image that can be read: the content is {_name(head)}", SUPPORTED
        )
    for page in container.pages:
        check_size(source, page, max_pixels)
    return container


def _name(head: bytes) -> str:
    """The kind of content that begins with these bytes, in words."""
    for signature, name in FOREIGN:
        if head.startswith(signature):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "a WebP image"
    if head[4:8] == b"ftyp":
        return "an HEIF, AVIF or MP4 file"
    text = head.decode("utf-8", "replace").rstrip(REPLACED)  # the last character may be cut
    if text and REPLACED not in text and all(sign.isprintable() or sign.isspace() for sign in text):
        return f"text beginning {text[:24]!r}"
    return f"unknown, beginning with the bytes {head[:8].hex(' ')}"
