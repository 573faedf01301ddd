"""The ZIP file of an evidence bundle."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

VERIFIER: Final = Path(__file__).with_name("verify_evidence.py")
_SAME_DATE: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest that ZIP knows: the same evidence gives the same bytes."""
_READABLE: Final = 0o100644 << 16


def write_bundle(path: Path, members: Mapping[str, Iterable[str]]) -> None:
    """Write text members and `verify.py` into a new ZIP.

    Args:
        path: The file; what is there is overwritten.
        members: Name to the text, in pieces.
    """
    every = {**members, "verify.py": [VERIFIER.read_text("utf-8")]}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, pieces in every.items():
            facts = zipfile.ZipInfo(name, _SAME_DATE)
            facts.compress_type = zipfile.ZIP_DEFLATED
            facts.external_attr = _READABLE
            with bundle.open(facts, "w", force_zip64=True) as member:
                for piece in pieces:
                    member.write(piece.encode())
