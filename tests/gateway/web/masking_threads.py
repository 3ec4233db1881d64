"""In which threads texts are masked."""

from __future__ import annotations

import threading

import pytest

from gateway.web.api.masked_texts import SHORT
from rules.sender.masking import Masker


def masking_threads(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The threads that mask a text from now on, unless it is short; it is added to."""
    threads: set[int] = set()
    mask = Masker.mask

    def noted(masker: Masker, text: str) -> str:
        if len(text) > SHORT:
            threads.add(threading.get_ident())
        return mask(masker, text)

    monkeypatch.setattr(Masker, "mask", noted)
    return threads
