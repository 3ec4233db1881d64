"""Finds the lines of a plain text that its HTML form quotes: the words of both, in their order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_WORD = re.compile(
    r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]|(?:(?![\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff])[^\W_])+"
)
"""Where words have no space between them, clients break a line anywhere: there, a letter."""
_NOT_WORDS = re.compile(r"<?https?://[^\s>]{1,2000}>?|\[(?:image|cid)[:\s][^\]\n]{0,300}\]")
_RULE = re.compile(r"[\s>_=*-]{3,}+")
_AHEAD = 24
"""How many words one form may have more than the other, at one place."""


def words_of(text: str) -> list[str]:
    """The words of a text, without web addresses, which its forms show in their own ways."""
    if "://" in text or "[" in text:
        text = _NOT_WORDS.sub(" ", text)
    return _WORD.findall(text.casefold())


def quoted_in(
    plain: Sequence[str], rich: Sequence[str], quoted: Sequence[bool]
) -> list[bool] | None:
    """Which lines of the plain form are quoted, as the lines of the rich form are.

    A line counts as quoted if nearly all of its words are, and none is the author's. None if the
    two do not have the same words.
    """
    lines = [words_of(line) for line in plain]
    flat = [(word, number) for number, line in enumerate(lines) for word in line]
    others = [
        (word, is_quoted)
        for line, is_quoted in zip(rich, quoted, strict=True)
        for word in words_of(line)
    ]
    within, own, matched = [0] * len(lines), [0] * len(lines), 0
    theirs = [word for word, _ in others]
    for at, found in _pairs([word for word, _ in flat], theirs):
        matched += 1
        counts = within if others[found][1] else own
        counts[flat[at][1]] += 1
    if not matched or matched * 5 < len(flat) * 4:
        return None
    marked = [
        bool(within[n]) and not own[n] and (len(line) - within[n]) * 4 <= within[n]
        for n, line in enumerate(lines)
    ]
    for number in range(len(lines) - 2, -1, -1):  # a rule belongs to what is below it
        if not lines[number] and marked[number + 1]:
            above = number > 0 and marked[number - 1]
            marked[number] = above or _RULE.fullmatch(plain[number]) is not None
    return marked


def _pairs(words: Sequence[str], others: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The places of equal words, in order; either form may have a few words that the other has
    not."""
    at = found = 0
    while at < len(words) and found < len(others):
        if words[at] == others[found]:
            yield at, found
            at, found = at + 1, found + 1
            continue
        further = _next(others, words[at], found)
        back = _next(words, others[found], at)
        if further is None and back is None:
            at, found = at + 1, found + 1
        elif back is None or (further is not None and further - found <= back - at):
            found = further if further is not None else found
        else:
            at = back


def _next(words: Sequence[str], word: str, start: int) -> int | None:
    try:
        return words.index(word, start + 1, start + 1 + _AHEAD)
    except ValueError:
        return None
