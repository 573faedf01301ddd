"""Many small pictures on one sheet, with words under each: people would rather look than read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlmcsc.adapters.thumbnails import KINDS, write_whole
from mlmcsc.errors import ValidationError

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

SIDE = 224
"""Longer side of a picture, pixels."""
GAP = 16
LINE = 19
FONT_SIZE = 14
MOST = 200
"""Pictures on a sheet; more are no sheet that one can look at."""
PAPER, INK, FAINT, MARK = (255, 255, 255), (25, 25, 25), (225, 225, 225), (0, 90, 180)


@dataclass(frozen=True, slots=True)
class Tile:
    """One picture.

    Attributes:
        picture: Its file; None where it cannot be shown.
        lines: What stands under it.
        marked: Drawn with a frame, such as the picture that was searched for.
    """

    picture: Path | None
    lines: tuple[str, ...]
    marked: bool = False


def write_contact_sheet(tiles: Sequence[Tile], target: Path) -> Path:
    """Write a sheet of 1 to `MOST` pictures, about one and a half times as wide as high.

    Args:
        tiles: In the order in which one reads.
        target: `.jpg`, `.jpeg` or `.png`; appears whole or not at all, and is replaced.

    Raises:
        ValidationError: Another suffix, or no or too many pictures.
        StoreError: It cannot be written.
    """
    kind = KINDS.get(target.suffix.lower())
    if kind is None:
        raise ValidationError(f"{target}: a contact sheet is written as .jpg, .jpeg or .png.")
    if not 1 <= len(tiles) <= MOST:
        raise ValidationError(f"A contact sheet has 1 to {MOST} pictures, not {len(tiles)}.")
    from PIL import Image, ImageDraw  # noqa: PLC0415 - Pillow only when pixels are drawn

    words = max(len(tile.lines) for tile in tiles)
    width, height = SIDE + GAP, SIDE + GAP + words * LINE
    across = min(len(tiles), math.ceil(math.sqrt(1.5 * len(tiles) * height / width)))
    down = math.ceil(len(tiles) / across)
    sheet = Image.new("RGB", (across * width + GAP, down * height + GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    for at, tile in enumerate(tiles):
        _draw(sheet, draw, tile, (GAP + at % across * width, GAP + at // across * height))
    write_whole(sheet, target, kind)
    return target


def _draw(sheet: Image, draw: ImageDraw, tile: Tile, corner: tuple[int, int]) -> None:
    from PIL import Image, ImageFont  # noqa: PLC0415 - likewise

    x, y = corner
    font = ImageFont.load_default(FONT_SIZE)
    if tile.picture is None:
        draw.rectangle((x, y, x + SIDE - 1, y + SIDE - 1), fill=FAINT)
        draw.text((x + GAP, y + SIDE // 2), "the file cannot be shown", fill=INK, font=font)
    else:
        with Image.open(tile.picture) as picture:
            small = picture.convert("RGB")
        scale = SIDE / max(small.size)
        size = (max(1, round(small.width * scale)), max(1, round(small.height * scale)))
        small = small.resize(size, Image.Resampling.LANCZOS)
        sheet.paste(small, (x + (SIDE - size[0]) // 2, y + (SIDE - size[1]) // 2))
    if tile.marked:
        draw.rectangle((x - 4, y - 4, x + SIDE + 3, y + SIDE + 3), outline=MARK, width=4)
    for number, line in enumerate(tile.lines):
        text = line
        while draw.textlength(text, font=font) > SIDE and len(text) > 1:
            text = f"{text.rstrip('…')[:-1]}…"
        place = (x, y + SIDE + 4 + number * LINE)
        draw.text(place, text, fill=MARK if tile.marked else INK, font=font)
