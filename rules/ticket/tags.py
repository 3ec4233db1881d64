"""Tags that staff give to tickets: how they are written, and how many."""

from __future__ import annotations

import re
import unicodedata

TAG_LENGTH = 40
MOST_TAGS = 20
"""On one ticket."""
_TAG = re.compile(r"[^\W_][\w./:+-]*", re.UNICODE)


def as_tag(written: str) -> str | None:
    """A tag as it is kept: in lower case, without `#`; None for what cannot be one."""
    tag = unicodedata.normalize("NFKC", written).casefold().lstrip("#").rstrip(".:")
    return tag if len(tag) <= TAG_LENGTH and _TAG.fullmatch(tag) else None
