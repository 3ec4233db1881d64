"""The signature below a text, and the lines with which a client advertises itself there."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rules.mail.plain_lines import is_quoted, plain
from rules.mail.wordings.client_lines import DEVICES, LINES, TRACKERS

SIGNATURE_LINES = 20
"""Of a signature after `--`, perhaps a rule in the text: no signature of DKIM covers the space."""
_FILLED_LINES = 12
_NAME_WORDS = 4
_SENTENCE_WORDS = 4
_LONGEST_CLIENT_LINE = 100
_MODEL_WORDS = 3


def without_signature(lines: Sequence[str], end: int) -> int:
    """Where the signature, or the client's own advertising lines, begin in the lines up to `end`;
    else `end`. Quoted lines end the search (RFC 3676 §4.3: two dashes and a space)."""
    begins = without_client_lines(lines, end)
    signature = _signature(lines, begins)
    return signature if signature == begins else without_client_lines(lines, signature)


def without_client_lines(lines: Sequence[str], end: int) -> int:
    """Where the last lines that a client wrote by itself begin; `end` if there are none."""
    begins, at = end, end
    while at:
        line = lines[at - 1]
        if line.strip():
            if not is_client_line(line):
                break
            begins = at - 1
        at -= 1
    return begins


def _signature(lines: Sequence[str], end: int) -> int:
    last = end
    while last and not lines[last - 1].strip():  # no signature covers how many these are, either
        last -= 1
    for index in range(last - 1, max(last - SIGNATURE_LINES, 0) - 1, -1):
        if is_quoted(lines[index]):
            break
        if lines[index].rstrip() == "--":
            return index if _is_signature(lines, index, last) else end
    return end


def _is_signature(lines: Sequence[str], index: int, last: int) -> bool:
    """Whether what stands below two dashes is a signature rather than text of the author's.

    People write two dashes as a rule, too. Text says what it is (`Results:`), asks, or has
    sentences; a signature is short, begins with a name, and says how to reach somebody.
    """
    above = next((line for line in reversed(lines[:index]) if line.strip()), "")
    below = [plain(line) for line in lines[index + 1 : last] if line.strip()]
    reaches = any(_REACHES.search(line) for line in below)
    if plain(above).endswith(":") or (len(below) > _FILLED_LINES and not reaches):
        return False
    if not any(letter.isalnum() for line in below for letter in line):
        return True
    if any(line.endswith("?") for line in below) and not reaches:
        return False
    if _is_name(below[0]):
        return True
    letter = next((each for each in below[0] if each.isalpha()), "")
    begins_small = letter.islower() and " " in below[0]
    return reaches or not (begins_small or any(map(_is_sentence, below)))


def _is_name(line: str) -> bool:
    words = line.strip(" ,*-–").split()
    return 0 < len(words) <= _NAME_WORDS and all(
        word.strip(".'-").replace("-", "").isalpha() and not word[0].islower() for word in words
    )


def _is_sentence(line: str) -> bool:
    return line.endswith((".", "!", "。", "！")) and len(line.split()) >= _SENTENCE_WORDS


_REACHES = re.compile(r"@|https?://|www\.|\+?\d[\d ()/.\-]{5,}\d")


def is_client_line(line: str) -> bool:
    """Whether a line, as a whole, is one with which a client advertises itself."""
    if len(line) > 4 * _LONGEST_CLIENT_LINE:
        return False
    line = plain(line)
    if "http" in line:
        line = _LINK.sub(" ", _NAMED_LINK.sub(r"\1", line))
    line = line.strip(" *_()<>[]|-–—")
    if not line or len(line) > _LONGEST_CLIENT_LINE:
        return line in TRACKERS and bool(line)
    words = " ".join(line.rstrip(" .!:").split())
    folded = words.casefold()
    if folded in TRACKERS or folded in _WHOLE:
        return True
    if not folded.startswith(_BEFORE_DEVICE) and not folded.endswith(_AFTER_DEVICE):
        return False
    return any(
        folded.startswith(before)
        and folded.endswith(after)
        and not (before and words[0].islower())
        and len(folded) > len(before) + len(after)
        and _is_device(words[len(before) : len(words) - len(after)])
        for before, after in _AROUND_DEVICE
    )


def _is_device(name: str) -> bool:
    """Whether it is the name of a device, or of its maker before that of a model."""
    name = name.strip()
    if name.casefold() in _DEVICE_NAMES:
        return True
    words = name.split()
    for count in range(1, min(4, len(words))):
        models = words[count:]
        if " ".join(words[:count]).casefold() in _MAKERS and len(models) <= _MODEL_WORDS:
            return all(_is_model(word) for word in models)
    return False


def _is_model(word: str) -> bool:
    known = word.casefold() in _DEVICE_NAMES or word.casefold() == "device"
    return known or (word.isalnum() and (word[0].isupper() or any(map(str.isdigit, word))))


_NAMED_LINK = re.compile(r"\[([^\]]{1,60})\]\([^)]{1,200}\)")
_LINK = re.compile(r"<?\(?https?://\S{1,300}")
_DEVICE_NAMES = frozenset(name for names in DEVICES for name in names.split("|"))
_MAKERS = frozenset(name for names in DEVICES[:8] for name in names.split("|"))
_WHOLE = frozenset(line.casefold() for line in LINES if "{" not in line)
_AROUND_DEVICE = tuple(
    (before.casefold(), after.casefold())
    for line in LINES
    if "{" in line
    for before, _, after in [line.partition("{device}")]
)
_BEFORE_DEVICE = tuple(before for before, _ in _AROUND_DEVICE if before)
_AFTER_DEVICE = tuple(after for before, after in _AROUND_DEVICE if not before)
