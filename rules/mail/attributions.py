"""Recognises the lines with which clients introduce what they quote: `On …, Ann wrote:`.

A line is read in its parts: a date, a name, an address, and the words of `ATTRIBUTIONS` around
them. It is *certain* if it has all that a client writes: a date with its year, an address, and
nothing else that a person might have written. Other lines of this form, such as `Ann wrote:`,
people write as well: they introduce a quote only if quoted lines follow.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from rules.mail.attribution_words import (
    LITERALS,
    OPENERS,
    address_in,
    bare_word,
    ending_of,
    has_verb,
)
from rules.mail.plain_lines import plain
from rules.mail.wordings.attributions import ATTRIBUTIONS

WRAPPED = 5
"""Lines over which clients wrap one, at most."""
_LOOSELY_WRAPPED = 3
_WRAPPED_AT = 60
"""A client wraps no line that is shorter, in characters."""
_TOKENS = 40
_NAME_WORDS = 10
_WORDS = 8
"""Words besides the date and the words of a client: in a line that may be a person's own, too."""


class Certainty(Enum):
    POSSIBLE = 1
    DATED = 2
    """With a date, a time and a name, but without an address: people write this, too."""
    CERTAIN = 3


class Attribution(NamedTuple):
    begins: int
    """The index of its first line."""
    column: int
    """Where it begins in that line: some clients join it with the text above."""
    certainty: Certainty

    @property
    def is_certain(self) -> bool:
        return self.certainty is Certainty.CERTAIN

    @property
    def is_dated(self) -> bool:
        return self.certainty is not Certainty.POSSIBLE


def attribution_at(lines: Sequence[str], index: int) -> Attribution | None:
    """The attribution that ends on this line; None if there is none."""
    if not may_end(lines, index):
        return None
    windows = _windows(lines, index, plain(lines[index]).strip("*_ "))
    possible: Attribution | None = None
    certain: Attribution | None = None
    continues = False
    for begins, joined in windows:
        found = _certainty(joined)
        if found is Certainty.CERTAIN and (certain is None or continues or _opens(joined)):
            certain = Attribution(begins, 0, found)
            continues = _is_cut(lines, begins, joined)
            if _opens(joined) and not continues:
                break
        elif found is not None and (possible is None or found.value > possible.certainty.value):
            possible = Attribution(begins, 0, found)
            if possible.is_dated and _opens(joined) and certain is None:
                break
    return certain or _joined_with_text(lines, windows) or possible


def _is_cut(lines: Sequence[str], begins: int, joined: str) -> bool:
    """Whether a client wrapped in or behind the address, or before the one that begins them."""
    above = plain(lines[begins - 1]) if begins else ""
    if joined.endswith(">>>"):
        return False
    if joined.count(">") > joined.count("<") or ("@" in above and "@" not in joined):
        return True
    return joined.startswith(("<", "(")) and len(above) + joined.find(" ") > _WRAPPED_AT


def may_end(lines: Sequence[str], index: int) -> bool:
    """Whether an attribution may end with this line; asked of many lines, so it is cheap."""
    line = plain(lines[index]).strip("*_ ")
    if line.endswith(":"):
        return True
    if line.endswith(("--", ">>>")):
        words = line.strip("-: ") or (plain(lines[index - 1]) if index else "")
        return _DIGIT.search(line) is not None or bool(ending_of(words.casefold().rstrip(": ")))
    return line.endswith((">", ")")) and line[:1].isdigit() and "@" in line


def _opens(joined: str) -> bool:
    """Whether some lines begin as an attribution does, so that none above belongs to them."""
    return bare_word(joined.partition(" ")[0]).casefold() in OPENERS


def may_be_attribution(lines: Sequence[str], index: int) -> int | None:
    """Where the lines that end here begin, if they may be an attribution in any form; else None.

    For texts of which nothing private may be shown: beside an address, a verb is enough, or a date
    if the address is in brackets.
    """
    last = plain(lines[index])
    last = last.rstrip("- ") if last.endswith("--") else last
    if not last.endswith(":"):
        return None
    best: int | None = None
    for begins, joined in _windows(lines, index, last)[:_LOOSELY_WRAPPED]:
        body = joined.rstrip(": ").casefold()
        if "@" not in body:
            continue
        first = bare_word(body.partition(" ")[0])
        dated = _BRACKET.search(body) is not None and _YEAR.search(body) is not None
        if best is None and (dated or ending_of(body) or has_verb(body.split())):
            best = begins
        elif best is not None and (first in OPENERS or first[:1].isdigit()):
            return begins
    return best


def _windows(lines: Sequence[str], index: int, last: str) -> list[tuple[int, str]]:
    """The lines that end here, joined: one, two, and so on. An empty line is between them only
    where a client has wrapped an address."""
    found = [(index, last)]
    joined, at = last, index - 1
    while at >= 0 and len(found) < WRAPPED:
        above = plain(lines[at])
        if not above:
            if not joined.startswith(("< ", "mailto:")):
                break
            at -= 1
            above = plain(lines[at]) if at >= 0 else ""
            if not above:
                break
        joined = f"{above} {joined}"
        found.append((at, joined))
        at -= 1
    return found


def _joined_with_text(
    lines: Sequence[str], windows: Sequence[tuple[int, str]]
) -> Attribution | None:
    """The attribution that begins within a line, behind the end of a sentence or behind dashes."""
    for begins, joined in windows[:3]:
        if "@" not in joined:
            continue
        for found in list(_JOINED.finditer(lines[begins][:400]))[-3:]:
            rest = " ".join([lines[begins][found.end() :], *_below(joined, lines[begins])])
            if _certainty(plain(rest)) is Certainty.CERTAIN:
                return Attribution(begins, found.start(), Certainty.CERTAIN)
    return None


def _below(joined: str, first: str) -> list[str]:
    """What follows the first of some joined lines."""
    rest = joined[len(plain(first)) :].strip()
    return [rest] if rest else []


class _OtherWords(NamedTuple):
    """The words of a line besides its date and the words of a client."""

    before: Sequence[str]
    after: Sequence[str]
    """Before and after the date."""
    name: Sequence[str]
    """Those beside the address, on the side of it where a name stands."""
    rest: Sequence[str]
    """Those on the other side, up to the date or the end."""
    is_address_last: bool
    has_date: bool
    has_year: bool


@lru_cache(maxsize=256)
def _certainty(line: str) -> Certainty | None:
    """How certain it is that a line introduces a quote; None if it does not."""
    if line.endswith(">>>"):  # GroupWise
        whole = _YEAR.search(line) and (line.startswith(">>>") or "@" in line)
        return Certainty.CERTAIN if whole else None
    body = line.replace("&lt;", "<").replace("&gt;", ">").strip("-*_=> ")
    has_colon = body.endswith(":")
    body = body.rstrip(": ")
    ending = ending_of(body.casefold())
    text = body[: len(body) - len(ending)]
    address = address_in(text)
    bracketed = address is not None and address.bracketed
    if address is not None:
        text = f"{text[: address.begins]} {_ADDRESS} {text[address.ends :]}"
    text = _QUOTED_NAME.sub(f" {_NAME} ", text)
    tokens = text.replace(",", " ").split()
    if not 0 < len(tokens) <= _TOKENS or bare_word(tokens[0]).casefold() in _PERSONS:
        return None
    if ending and has_colon and _is_between_dashes(line, tokens, has_address=address is not None):
        return Certainty.CERTAIN
    wrote = bool(ending) or has_verb(tokens)
    parts = _parts_of(tokens)
    ends = has_colon or line.endswith("-")
    if parts.has_year and ends:
        if address is not None:
            verbless = bracketed and parts.is_address_last and _begins_with_date(body)
            certain = (wrote or verbless) and _is_whole(parts, tokens, bracketed)
        else:
            certain = False
            if wrote and _TIME.search(body) is not None and _is_named(parts, tokens):
                by_machine = _is_by_machine(body[: len(body) - len(ending)], parts)
                return Certainty.CERTAIN if by_machine else Certainty.DATED
        if certain:
            return Certainty.CERTAIN
    return _possible(line, parts, tokens, wrote, has_colon, bracketed)


def _is_between_dashes(line: str, tokens: Sequence[str], *, has_address: bool) -> bool:
    """Whether a line is what Notes writes: `-----Ann <ann@…> wrote: -----`."""
    dashes = "--" if has_address else "-----"
    ends = line.rstrip().endswith(dashes) and line.startswith(dashes)
    return ends and len(tokens) <= _NAME_WORDS


def _is_whole(parts: _OtherWords, tokens: Sequence[str], bracketed: bool) -> bool:
    """Whether a line with a date and an address has nothing that a person might have added."""
    name = [word for word in parts.name if word != _NAME]
    if not bracketed and name:
        return False
    small = bool(name) and name[0][:1].islower() and "via" not in name
    if (small and (len(name) > 2 or name[0].casefold() in _OF_SOMEBODY)) or len(name) > _NAME_WORDS:
        return False
    if parts.is_address_last:
        return _is_day(parts.before, tokens) and not parts.rest
    return len(parts.rest) <= 2 and len(parts.after) <= 2


def _is_day(before: Sequence[str], tokens: Sequence[str]) -> bool:
    """Whether the words before a date are no more than an opening word and a day."""
    first = tokens[0]
    if bare_word(first).casefold() in OPENERS:
        return len(before) <= 2
    if first[:1].isupper():
        month = len(before) == 2 and before[1][:1].isupper()  # Torsdag, November 27, 2025
        return len(before) <= 1 + month and not first.endswith((".", "!", "?"))
    return len(before) <= (1 if first[:1].islower() else 2)


def _is_by_machine(text: str, parts: _OtherWords) -> bool:
    """Whether a date and a time are more exact than people write them: with the seconds or the
    zone; or with the weekday, and with a comma before the name."""
    name = text.rpartition(",")[2]
    apart = 0 < len(name.strip()) < len(text) and not _DIGIT.search(name)
    has_seconds = _DOTTED.search(text) is not None and _LONG_YEAR.search(text) is not None
    return has_seconds or _EXACT.search(text) is not None or (bool(parts.before) and apart)


def _is_named(parts: _OtherWords, tokens: Sequence[str]) -> bool:
    """Whether a line with a date and a time has nothing else but a name, without its address."""
    name = parts.after or parts.before
    if (parts.after and not _is_day(parts.before, tokens)) or not 0 < len(name) <= _SHORT_NAME:
        return False
    small = [word for word in name if word[:1].islower()]
    return (not small or len(name) == 1) and name[0].casefold() not in _PERSONS


def _possible(
    line: str,
    parts: _OtherWords,
    tokens: Sequence[str],
    wrote: bool,
    has_colon: bool,
    bracketed: bool,
) -> Certainty | None:
    words = [each for each in (*parts.before, *parts.after) if each not in (_NAME, _ADDRESS)]
    if bracketed and parts.has_year and len(words) <= _NAME_WORDS:
        own = words and words[0][:1].islower() and len(words) > 3
        own = own and not wrote and "via" not in words
        if (has_colon or line[:1].isdigit()) and not own:
            return Certainty.POSSIBLE
    if not wrote or not (has_colon or line.endswith("-")) or len(words) > _WORDS:
        return None
    opened = bare_word(tokens[0]).casefold() in OPENERS
    days = 1 if parts.has_date and parts.before and parts.after else 0  # a weekday
    others = words[days:]
    lower = 0 if "via" in others else sum(each[:1].islower() for each in others)
    return Certainty.POSSIBLE if lower <= (opened or len(others) == 1) else None


def _parts_of(tokens: Sequence[str]) -> _OtherWords:
    first, last = _date_in(tokens)
    where = tokens.index(_ADDRESS) if _ADDRESS in tokens else -1
    has_date = first >= 0
    if not has_date:
        first = last = len(tokens) if where < 0 else where
        first, last = first, first - 1
    before, after = _words(tokens[:first]), _words(tokens[last + 1 :])
    if where > last:
        name, rest = _words(tokens[last + 1 : where]), _words(tokens[where + 1 :])
    elif where >= 0:
        name, rest = _words(tokens[:where]), _words(tokens[where + 1 : first])
    else:
        name, rest = after or before, []
    date = " ".join(tokens[first : last + 1])
    return _OtherWords(
        before, after, name, rest, where > last, has_date, _YEAR.search(date) is not None
    )


def _date_in(tokens: Sequence[str]) -> tuple[int, int]:
    """The first and the last of the tokens that are the date and the time; -1 if there is none."""
    best, first, last = (-1, -1), -1, -1
    for index, token in enumerate(tokens):
        if token in (_ADDRESS, _NAME):
            first = -1
        elif _DIGIT.search(token):
            if first < 0 or index - last > _GAP:
                first = index
            last = index
            has_year = _YEAR.search(" ".join(tokens[first : last + 1]))
            if has_year or best[0] in (-1, first):
                best = (first, last)
    return best


def _words(tokens: Sequence[str]) -> list[str]:
    """The words that are neither short ones, as in `8:01 a. m.`, nor those of a client."""
    found = []
    for token in tokens:
        word = bare_word(token)
        if word == _NAME or (len(word.replace(".", "")) > 2 and word.casefold() not in LITERALS):
            found.append(word)
    return found


def _begins_with_date(body: str) -> bool:
    """Whether a line begins with a date, or with a weekday and a comma."""
    first = body.partition(" ")[0]
    return first[:1].isdigit() or first.endswith(",")


_ADDRESS, _NAME = "\x00", "\x01"
_GAP = 4
"""A token of a date is at most so far behind the one before: `5 de feb de 2026 a las 10:00`."""
_SHORT_NAME = 4
_OF_SOMEBODY = frozenset(
    {"our", "my", "your", "the", "a", "an", "user", "customer", "unser", "unsere", "mein", "meine"}
    | {
        "der",
        "die",
        "das",
        "ein",
        "eine",
        "notre",
        "mon",
        "ma",
        "nuestro",
        "nuestra",
        "mi",
        "nostro",
    }
)
"""A name does not begin with these, but what a person writes of somebody does."""
_PERSONS = frozenset(
    {"i", "he", "we", "they", "you", "she", "ich", "wir", "sie", "nous", "elle", "ella"}
)
_DIGIT = re.compile(r"\d")
_TIME = re.compile(r"(?<!\d)\d{1,2}[:.]\d{2}(?!\d)")
_YEAR = re.compile(
    r"(?<!\d)\d{4}(?!\d)|(?<![\d./-])\d{1,2}[./-] ?\d{1,2}[./-] ?\d{2,4}(?!\d|[./-]\d)"
)
_EXACT = re.compile(r"\d:\d{2}:\d{2}(?!\d)|(?<=\s)[+-]\d{4}(?!\d)|\b(?:GMT|UTC|CES?T)\b")
_DOTTED, _LONG_YEAR = re.compile(r"\d\.\d{2}\.\d{2}(?!\d)"), re.compile(r"(?<!\d)\d{4}(?!\d)")
"""`8.01.45` is a time where the year has four digits; else it may be a date."""
_BRACKET = re.compile(r"[<(\[][^ <>()\[\]@]{1,64}@")
_QUOTED_NAME = re.compile(r'"[^"]{0,80}"|„[^“”"]{0,80}[“”"]|“[^”]{0,80}”|«[^»]{0,80}»')
_JOINED = re.compile(
    r"(?:(?<=[.!?…):;,])[ \t\xa0]{1,3}|[ \t]?-{2,}[ \t]?)(?=(?:"
    + "|".join(
        sorted({re.escape(w.split("{")[0].strip()) for w in ATTRIBUTIONS if w[0] not in "{*"})
    )
    + r")[ \t\xa0])"
)
