"""Masked texts are remembered up to a size, for one state of the keys."""

from __future__ import annotations

from dataclasses import replace

from gateway.web.api.masked_texts import SHORT, MaskedTexts
from rules.sender.masking import MASK, Masker
from rules.sender.tokens import Keys, Link, LinkUse, link_token

SECRET = b"k" * 32
KEYS = Keys(1, {1: SECRET})
MASKER = Masker(KEYS, (1,), frozenset({"support@help.example"}))
LINK = link_token(KEYS, 1, LinkUse.FEEDBACK, Link(7, 3, ""))
FILLING = "Nothing to hide here. " * (10 * SHORT // 20)


def test_a_remembered_text_is_masked_like_a_new_one() -> None:
    texts = MaskedTexts()
    for text in (f"{FILLING}{LINK} end", FILLING, "short", f"{FILLING}\ud800"):
        assert texts.mask(MASKER, text) == MASKER.mask(text)
        assert texts.mask(MASKER, text) == MASKER.mask(text)
    assert MASK in texts.mask(MASKER, f"{FILLING}{LINK} end")


def test_another_key_masks_again() -> None:
    texts, text = MaskedTexts(), f"{FILLING}{LINK} end"
    without = replace(MASKER, keys=Keys(2, {2: b"x" * 32}))
    assert texts.mask(without, text) == without.mask(text)
    assert texts.mask(MASKER, text) == MASKER.mask(text)
    assert texts.mask(without, text) == without.mask(text)


def test_what_is_remembered_is_bounded() -> None:
    texts = MaskedTexts(most=3 * len(FILLING))
    for i in range(50):
        texts.mask(MASKER, f"{FILLING}{LINK} {i}")
        texts.mask(MASKER, f"{FILLING}{i}")
        assert texts.size <= 3 * len(FILLING)
    assert texts.size > 0
