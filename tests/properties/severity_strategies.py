"""Support policies as somebody might write them, and mails that claim all they can under them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from rules.policy import Policy, PolicyRefused, parse
from storage.ticket.write import Source

ODD_WORDS = (
    "Critical",
    "High",
    "Normal",
    "Low",
    "P1",
    "Sev 1",
    "KRITISCH",
    "Straße",
    "Критично",
    "緊急",
    "حرج",
    "\uff30\uff11",  # P1 in full width
    "\ufb01re",  # a ligature, which case folding takes apart
    "İvedi",
    "E\u0301lev\u00e9",
    "\x1cHigh",  # a blank for Python, and none for the policy's reader
    "\u200bHigh",
    "very high, indeed",
    "[P1]",
    "#1",
    "critical: yes",
)
words = st.sampled_from(ODD_WORDS) | st.text(
    st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=8
).filter(str.strip)


@dataclass(frozen=True)
class Draft:
    """The severities of a policy file, whether or not they agree."""

    names: Sequence[str]
    """Severest first."""
    aliases: Sequence[Sequence[str]]
    critical: Sequence[bool]
    default: str
    ceiling: str
    high_importance: str | None
    customers_may_set: bool
    workaround_lowers: bool
    claims: Sequence[tuple[str, str]]
    """Pattern and level."""
    beside: str = ""
    """What stands at the top of the file besides."""

    def text(self) -> str:
        """The policy file."""
        high = self.high_importance
        return "\n".join(
            (
                'name = "default"\ntitle = "Drawn"',
                self.beside,
                f"[severity]\ndefault = {quoted(self.default)}",
                f"ceiling = {quoted(self.ceiling)}",
                f"high_importance = {quoted(high)}" if high is not None else "",
                f"customers_may_set = {quoted(self.customers_may_set)}",
                f"workaround_lowers = {quoted(self.workaround_lowers)}",
                *(
                    _level(*level)
                    for level in zip(self.names, self.aliases, self.critical, strict=False)
                ),
                *(_claim(*claim) for claim in self.claims),
                _THE_REST,
            )
        )

    def parsed(self) -> Policy:
        """Raises PolicyRefused where the parts do not agree."""
        return parse(self.text(), "drawn.toml")


_THE_REST = """
[[escalation.levels]]
title = "Head of support"
contact = "head@help.example"
[budgets]
tickets_per_hour = 1000
[acknowledgement]
text = "We have it."
[texts]
sign_up = "Ask your contact."
invitation = "Enrol here."
deactivated = "Closed."
suspended = "Suspended."
"""


def quoted(value: str | bool | Iterable[str]) -> str:
    """A value as TOML writes it."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case _:
            return f"[{', '.join(quoted(one) for one in value)}]"


def _level(name: str, aliases: Sequence[str], critical: bool) -> str:
    return (
        f"[[severity.levels]]\nname = {quoted(name)}\nmeaning = 'x'\n"
        f"critical = {quoted(critical)}\naliases = {quoted(aliases)}"
    )


def _claim(pattern: str, level: str) -> str:
    return f"[[severity.claims]]\npattern = {quoted(pattern)}\nlevel = {quoted(level)}"


@st.composite
def drafts(draw: st.DrawFn, vocabulary: Sequence[str] = (), agreeing: bool = False) -> Draft:
    """Two to seven levels. `agreeing` ones are those that ought to be accepted."""
    some = st.lists(words, min_size=2, max_size=12, unique_by=str.casefold)
    found = draw(st.permutations(vocabulary) if vocabulary else some)
    least = min(4, len(found)) if vocabulary else 2
    names = found[: draw(st.integers(least, min(7, len(found))))]
    aliases: list[list[str]] = [[] for _ in names]
    for alias in found[len(names) :]:
        draw(st.sampled_from(aliases)).append(alias)
    top = draw(st.just(1) | st.integers(1, len(names) - 1))
    critical = [place < top for place in range(len(names))]
    any_name = st.sampled_from(names)
    if agreeing:
        ceiling = draw(st.integers(top, len(names) - 1))
        default = draw(st.integers(ceiling, len(names) - 1))
        limits = names[default], names[ceiling]
    else:
        critical = draw(st.just(critical) | st.lists(st.booleans(), min_size=7, max_size=7))
        limits = draw(any_name), draw(any_name)
    wordings = st.sampled_from([r"\bdown\b", "burn(?:s|ing)", *map(re.escape, found)])
    return Draft(
        names,
        aliases,
        critical,
        *limits,
        high_importance=draw(st.none() | any_name),
        customers_may_set=draw(st.booleans()),
        workaround_lowers=draw(st.booleans()),
        claims=draw(st.lists(st.tuples(wordings, any_name), max_size=3)),
        beside=draw(_CONDUCT),
    )


_CONDUCT = st.builds(
    'registration = "{}"\nstrangers = "{}"\nunauthenticated = "{}"'.format,
    st.sampled_from(["user", "domain"]),
    st.sampled_from(["refuse", "hold"]),
    st.sampled_from(["refuse", "hold"]),
)


def accepted(draft: Draft) -> bool:
    try:
        draft.parsed()
    except PolicyRefused:
        return False
    return True


def policies(vocabulary: Sequence[str] = ()) -> st.SearchStrategy[Policy]:
    """Such as the parser accepts."""
    return drafts(vocabulary, agreeing=True).filter(accepted).map(Draft.parsed)


def all_words(policy: Policy) -> list[str]:
    """Every name and alias, severest first."""
    return [word for level in policy.levels for word in (level.name, *level.aliases)]


def in_full_width(word: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in word)


def spellings(word: str) -> st.SearchStrategy[str]:
    odd = (str.upper, str.lower, str.swapcase, str.casefold, in_full_width)
    return st.sampled_from([*[word] * 4, *(change(word) for change in odd), f" {word}\u00a0"])


_CLAIMS = (
    "[{}]",
    "[ {}\t]",
    "Severity: {}",
    "severity={}",
    "PRIO : {}",
    "sev:\u2003{}",
    "\uff3b{}\uff3d",
    "it is {} now",
    "Re: [{}] it is down",
    "Severity\uff1a {}",
)
_COMMANDS = (
    *["#severity {}"] * 4,
    "#severity {}, since it burns",
    "#Severity\t{}",
    "\uff03severity {}",
    "\u200b#severity {}",
    "#severity {}\n#status pending",
    "#severity {}\n#workaround",
    "#workaround {}",
    "#escalate {}",
    "#note\n#severity {}",
    "#public",
    "#status resolved",
)


def claims(vocabulary: Sequence[str]) -> st.SearchStrategy[str]:
    """A line that says how severe it is."""
    return _said(_CLAIMS, vocabulary) | st.just("Production is down and burns")


def commands(vocabulary: Sequence[str]) -> st.SearchStrategy[str]:
    return _said(_COMMANDS, vocabulary)


def _said(forms: Sequence[str], vocabulary: Sequence[str]) -> st.SearchStrategy[str]:
    word = st.sampled_from(vocabulary).flatmap(spellings)
    return st.builds(lambda form, one: form.format(one), st.sampled_from(forms), word)


HEADERS: tuple[dict[str, str], ...] = (
    {},
    {},
    {"importance": "high"},
    {"x-priority": "1 (Highest)"},
    {"x-priority": "2", "importance": "HIGH"},
    {"x-msmail-priority": "High", "priority": "urgent"},
    {"severity": "critical", "x-severity": "P1", "x-postern-severity": "Critical"},
)


@dataclass(frozen=True)
class Words:
    """What a mail says."""

    subject: str
    text: str
    header: tuple[tuple[str, str], ...]


def _alone(text: str) -> list[str]:
    return [text]


@st.composite
def spoken(draw: st.DrawFn, vocabulary: Sequence[str]) -> Words:
    """The words of a mail that claims much; commands stand where staff would put them."""
    line = claims(vocabulary)
    head = draw(st.lists(commands(vocabulary), max_size=1) | commands(vocabulary).map(_alone))
    text = [*head, *draw(st.lists(line | st.just(""), max_size=4)), "Regards"]
    header = draw(st.sampled_from(HEADERS))
    return Words(draw(line | commands(vocabulary)), "\n".join(text), tuple(header.items()))


ANN, BOB, GIL = "ann@acme.example", "bob@acme.example", "gil@globex.example"
SAM = "sam@help.example"
"""Staff; all others are customers."""
NEW = "new@acme.example"
"""A colleague who is not enrolled."""
EVE = "eve@evil.example"


@dataclass(frozen=True)
class Letter:
    """A mail to the desk."""

    sender: str
    words: Words
    way: str
    """`new`; or to the ticket by its `tag` in the subject, or by the sender's `token` for it."""
    ticket: int
    """The n-th of those that there are, counted round."""
    proven: bool

    @property
    def may_command(self) -> bool:
        return self.sender == SAM and self.proven and self.way == "token"


@dataclass(frozen=True)
class Again:
    """The n-th mail once more, byte for byte, proven or not."""

    mail: int
    proven: bool


@dataclass(frozen=True)
class Release:
    """The n-th held mail is let go by staff, who may say who wrote it."""

    held: int
    author: str | None
    as_new: bool


@dataclass(frozen=True)
class Exchange:
    """The mailbox has another policy from now on."""

    policy: Policy


@dataclass(frozen=True)
class Act:
    """Somebody at the desk sets a severity; a new ticket's where there is none to be set."""

    ticket: int
    level: str
    source: Source
    opens: bool


@dataclass(frozen=True)
class Race:
    """Both at one moment."""

    letter: Letter
    act: Act


@dataclass(frozen=True)
class Enrol:
    """NEW becomes a user, and what he wrote before may go."""


Step = Letter | Again | Release | Exchange | Act | Race | Enrol


@dataclass(frozen=True)
class Story:
    policy: Policy
    """At first."""
    steps: Sequence[Step]


_NUMBERS = st.integers(0, 3)
_SENDERS = st.sampled_from([ANN, ANN, BOB, GIL, SAM, SAM, SAM, SAM, NEW, EVE])
_WAYS = st.sampled_from(["token", "token", "token", "token", "tag", "new"])
_PROVEN = st.sampled_from([True, True, True, False])
_DESKS = st.sampled_from([Source.API, Source.CONSOLE])


@st.composite
def stories(draw: st.DrawFn, length: int = 10) -> Story:
    """The policies of one story fight over the same few words."""
    found = draw(st.permutations(ODD_WORDS))[:6]
    known = [draw(policies(found)) for _ in range(2)]
    said = spoken(found)
    letters = st.builds(Letter, _SENDERS, said, _WAYS, _NUMBERS, _PROVEN)
    levels = st.sampled_from([level.name for policy in known for level in policy.levels])
    acts = st.builds(Act, _NUMBERS, levels, _DESKS, st.sampled_from([False, False, True]))
    rare = st.one_of(
        st.builds(Again, _NUMBERS, st.booleans()),
        st.builds(Release, _NUMBERS, st.sampled_from([None, ANN, SAM]), st.booleans()),
        st.sampled_from(known).map(Exchange),
        st.just(Enrol()),
    )
    steps = st.one_of(letters, letters, letters, acts, st.builds(Race, letters, acts), rare)
    first = Letter(ANN, draw(said), "new", 0, True)
    return Story(known[0], [first, *draw(st.lists(steps, min_size=length // 2, max_size=length))])
