"""Search patterns of a policy: regular expressions that no mail can make slow.

Python's engine tries one way of matching after another. `compiled` counts the ways that a pattern
leaves open at one place of a line and refuses a pattern with too many; `search` looks at a bounded
number of lines of bounded length. So the work for a mail has a bound, whatever the mail says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

MAX_PATTERN_CHARACTERS = 200
"""Of a pattern, in characters."""
MAX_LINES = 100
"""So many lines of a text are searched, the first ones."""
MAX_LINE_CHARACTERS = 400
"""So much of a line is searched."""
MAX_WAYS = 2000

_TOKEN = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?:|\(|\)|\||(?:[*+?]|\{\d+\}|\{\d*,\d*\})[?+]?|.", re.DOTALL
)
_BOUNDS = re.compile(r"\{(\d*)(,?)(\d*)\}")


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern, to be searched without regard to case. Raises ValueError, in words."""
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        raise ValueError(f"longer than {MAX_PATTERN_CHARACTERS} characters; write several patterns")
    try:
        expression = re.compile(pattern, re.IGNORECASE)
    except (re.error, OverflowError) as error:
        raise ValueError(f"no regular expression: {error}") from error
    if expression.match(""):
        raise ValueError("fits everywhere, even where nothing stands; name what must stand there")
    tokens = _TOKEN.findall(pattern)
    for token, following in zip(tokens, [*tokens[1:], ""], strict=True):
        if token == "(" and following.startswith("?"):
            raise ValueError(f"({following[:1]}…) is not allowed but for (?:…), a plain group")
        if re.fullmatch(r"\\[1-9]", token):
            raise ValueError(f"{token} refers back to a group; that is not allowed")
    if _ways(tokens) > MAX_WAYS:
        raise ValueError(
            "too slow where it nearly fits; say how often a part may stand at most, such as "
            r"\d{1,9} instead of \d+, and repeat no part that itself repeats"
        )
    return expression


def search(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """The first place in the text's first lines where the pattern fits; a line at a time."""
    for line in searched_lines(text):
        if found := pattern.search(line):
            return found
    return None


def searched_lines(text: str) -> Iterator[str]:
    """The lines that are searched, cut to their bounds."""
    for line in text.split("\n", MAX_LINES)[:MAX_LINES]:
        yield line[:MAX_LINE_CHARACTERS]


def _ways(tokens: list[str]) -> int:
    """In how many ways the pattern may match from one place: an upper bound."""
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
    """How often a quantifier repeats what stands before it, at least and at most."""
    if token[0] in "*+?":
        return (1 if token[0] == "+" else 0), (1 if token[0] == "?" else MAX_LINE_CHARACTERS)
    if len(token) > 1 and (bounds := _BOUNDS.match(token)):
        minimum = int(bounds[1] or 0)
        return minimum, int(bounds[3] or MAX_LINE_CHARACTERS) if bounds[2] else minimum
    return None


def _repeated(ways: int, minimum: int, maximum: int) -> int:
    if ways == 1:
        return max(maximum - minimum, 0) + 1
    total = 0
    for times in range(minimum, maximum + 1):
        total += min(ways**times, MAX_WAYS + 1)
        if total > MAX_WAYS:
            break
    return total
