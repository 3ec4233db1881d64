"""Search patterns of a policy: regular expressions that no mail can make slow.

Python's engine tries one way of matching after another. `compiled` counts the ways in which a
pattern can match at one position of a line and refuses a pattern with too many; `search` examines
a bounded number of lines of bounded length. So the work per mail is bounded for any content.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

MAX_PATTERN_CHARACTERS = 200
"""The longest allowed pattern."""
MAX_LINES = 100
"""The number of lines that are searched, from the beginning of a text."""
MAX_LINE_CHARACTERS = 400
"""The number of characters of a line that are searched."""
MAX_CHARACTERS = 16 * 1024
"""The number of characters that are searched in all of these lines."""
MAX_WAYS = 2000
MAX_STEPS = 4_000_000
"""Ways times characters: a pattern that can match in many ways is searched in fewer characters."""

_TOKEN = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?:|\(|\)|\||(?:[*+?]|\{\d+\}|\{\d*,\d*\})[?+]?|.", re.DOTALL
)
_BOUNDS = re.compile(r"\{(\d*)(,?)(\d*)\}")


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> re.Pattern[str]:
    """The compiled pattern, case-insensitive. Raises ValueError with a readable message."""
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        raise ValueError(f"longer than {MAX_PATTERN_CHARACTERS} characters; write several patterns")
    try:
        expression = re.compile(pattern, re.IGNORECASE)
    except (re.error, OverflowError) as error:
        raise ValueError(f"not a valid regular expression: {error}") from error
    if expression.match(""):
        raise ValueError("matches the empty string; at least one character must be required")
    tokens = _TOKEN.findall(pattern)
    for token, following in zip(tokens, [*tokens[1:], ""], strict=True):
        if token == "(" and following.startswith("?"):
            raise ValueError(f"({following[:1]}…) is not allowed; the only group with ? is (?:…)")
        if re.fullmatch(r"\\[1-9]", token):
            raise ValueError(f"the back-reference {token} is not allowed")
    if _ways(tokens) > MAX_WAYS:
        raise ValueError(
            "too slow on text that nearly matches; limit the repetitions of each part, such as "
            r"\d{1,9} instead of \d+, and do not repeat a part that contains a repetition"
        )
    return expression


@lru_cache(maxsize=128)
def search(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """The first match in the searched lines of the text; a match never spans two lines.

    Several rules ask the same of one text.
    """
    return next(occurrences(pattern, text), None)


def occurrences(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Every match in the searched lines of the text, in their order."""
    for line in searched_lines(text, _searched_characters(pattern.pattern)):
        yield from pattern.finditer(line)


def searched_lines(text: str, characters: int = MAX_CHARACTERS) -> Iterator[str]:
    """The lines that are searched, truncated to the limits."""
    left = characters
    for line in text.split("\n", MAX_LINES)[:MAX_LINES]:
        if left <= 0:
            return
        line = line[: min(MAX_LINE_CHARACTERS, left)]
        left -= len(line)
        yield line


@lru_cache(maxsize=1024)
def _searched_characters(pattern: str) -> int:
    return min(MAX_CHARACTERS, MAX_STEPS // max(1, _ways(_TOKEN.findall(pattern))))


def _ways(tokens: list[str]) -> int:
    """An upper bound of the ways in which the pattern can match from one position."""
    outer: list[tuple[int, int]] = []
    other_branches, branch, last = 0, 1, 1
    for token in tokens:
        if token in ("(", "(?:"):
            outer.append((other_branches, branch * last))
            other_branches, branch, last = 0, 1, 1
        elif token == "|":
            other_branches, branch, last = other_branches + branch * last, 1, 1
        elif token == ")":
            last = other_branches + branch * last
            other_branches, branch = outer.pop()
        elif bounds := _repeats(token):
            last = _repeated(last, *bounds)
        else:
            branch, last = branch * last, 1
    return other_branches + branch * last


def _repeats(token: str) -> tuple[int, int] | None:
    """The minimum and maximum repetitions of a quantifier; None if it is not a quantifier."""
    if token[0] in "*+?":
        return (1 if token[0] == "+" else 0), (1 if token[0] == "?" else MAX_LINE_CHARACTERS)
    if len(token) > 1 and (bounds := _BOUNDS.match(token)):
        minimum = int(bounds[1] or 0)
        return minimum, int(bounds[3] or MAX_LINE_CHARACTERS) if bounds[2] else minimum
    return None


def _repeated(ways: int, minimum: int, maximum: int) -> int:
    maximum = max(minimum, maximum)  # more than a line has is never found, and sought all the same
    if ways == 1:
        return maximum - minimum + 1
    total = 0
    for times in range(minimum, maximum + 1):
        total += ways ** min(times, MAX_WAYS.bit_length())  # then it is too many
        if total > MAX_WAYS:
            break
    return total
