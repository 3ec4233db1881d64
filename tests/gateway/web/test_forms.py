"""What a visitor types costs little to read, whatever it is."""

from __future__ import annotations

import time
import unicodedata

from gateway.web.pages.forms import COMPOSED_CHARACTERS, composed
from gateway.web.pages.links import FORM_LIMIT_BYTES


def test_marks_without_end_above_a_letter_are_ordered_at_once() -> None:
    typed = "a" + ("\u0301" * (FORM_LIMIT_BYTES // 4) + "\u0323" * (FORM_LIMIT_BYTES // 4))
    started = time.process_time()
    composed(typed)
    assert time.process_time() - started < 0.1


def test_an_ordinary_text_is_composed() -> None:
    typed = unicodedata.normalize("NFD", "Grüße aus Việt Nam, 한국 ")
    assert composed(typed) == "Grüße aus Việt Nam, 한국 "
    long = typed * COMPOSED_CHARACTERS
    assert unicodedata.normalize("NFC", composed(long)) == unicodedata.normalize("NFC", long)
