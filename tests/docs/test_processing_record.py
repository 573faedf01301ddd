"""The processing record in the docs is the one that the tags and the default periods make."""

from pathlib import Path

from mlmcsc.config import RetentionSection
from mlmcsc.domain.privacy.article30 import processing_record
from mlmcsc.domain.privacy.article30_text import to_markdown
from mlmcsc.domain.retention import TYPES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "processing-record.md"


def test_the_page_is_what_the_tags_say():
    defaults = RetentionSection()
    periods = {name: getattr(defaults, kind.setting) for name, kind in TYPES.items()}
    made = to_markdown(processing_record(periods))

    assert PAGE.read_text(encoding="utf-8") == made, (
        "write it anew: mlmcsc privacy record --output docs/reference/processing-record.md"
    )
