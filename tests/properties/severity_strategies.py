"""Strategies for test_never_critical: policies, mails that claim severities, scenarios."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from rules.policy import Policy, PolicyRefused, parse
from rules.ticket.changes import Source

ODD_NAMES = (
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
    "\x1cHigh",  # white space to Python, but not to the policy parser
    "\u200bHigh",
    "very high, indeed",
    "[P1]",
    "#1",
    "critical: yes",
)
level_names = st.sampled_from(ODD_NAMES) | st.text(
    st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=8
).filter(str.strip)


@dataclass(frozen=True)
class PolicyDraft:
    """The severity settings of a policy file, consistent or not."""

    names: Sequence[str]
    """Severest first."""
    aliases: Sequence[Sequence[str]]
    critical: Sequence[bool]
    default: str
    ceiling: str
    high_importance: str | None
    customers_may_set: bool | str
    workaround_lowers: bool
    claims: Sequence[tuple[str, str]]
    """Pattern and level."""
    extra_settings: str = ""
    """Further settings at the top of the file."""

    def text(self) -> str:
        """The policy file."""
        high = self.high_importance
        return "\n".join(
            (
                'name = "default"\ntitle = "Drawn"',
                self.extra_settings,
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
                _OTHER_SECTIONS,
            )
        )

    def parsed(self) -> Policy:
        """Raises PolicyRefused if the parts do not agree."""
        return parse(self.text(), "drawn.toml")


_OTHER_SECTIONS = """
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
def drafts(draw: st.DrawFn, vocabulary: Sequence[str] = (), agreeing: bool = False) -> PolicyDraft:
    """Drafts with two to seven levels; with `agreeing`, drafts that the parser should accept."""
    some = st.lists(level_names, min_size=2, max_size=12, unique_by=str.casefold)
    names_used = draw(st.permutations(vocabulary) if vocabulary else some)
    fewest = min(4, len(names_used)) if vocabulary else 2
    names = names_used[: draw(st.integers(fewest, min(7, len(names_used))))]
    aliases: list[list[str]] = [[] for _ in names]
    for alias in names_used[len(names) :]:
        draw(st.sampled_from(aliases)).append(alias)
    critical_count = draw(st.just(1) | st.integers(1, len(names) - 1))
    critical = [place < critical_count for place in range(len(names))]
    any_name = st.sampled_from(names)
    if agreeing:
        ceiling = draw(st.integers(critical_count, len(names) - 1))
        default = draw(st.integers(ceiling, len(names) - 1))
        limits = names[default], names[ceiling]
    else:
        critical = draw(st.just(critical) | st.lists(st.booleans(), min_size=7, max_size=7))
        limits = draw(any_name), draw(any_name)
    patterns = st.sampled_from([r"\bdown\b", "burn(?:s|ing)", *map(re.escape, names_used)])
    return PolicyDraft(
        names,
        aliases,
        critical,
        *limits,
        high_importance=draw(st.none() | any_name),
        customers_may_set=draw(st.booleans() | st.sampled_from(["portal", "mail"])),
        workaround_lowers=draw(st.booleans()),
        claims=draw(st.lists(st.tuples(patterns, any_name), max_size=3)),
        extra_settings=draw(_SENDER_SETTINGS),
    )


_SENDER_SETTINGS = st.builds(
    'registration = "{}"\nstrangers = "{}"\nunauthenticated = "{}"'.format,
    st.sampled_from(["user", "domain"]),
    st.sampled_from(["refuse", "hold"]),
    st.sampled_from(["refuse", "hold"]),
)


def accepted(draft: PolicyDraft) -> bool:
    try:
        draft.parsed()
    except PolicyRefused:
        return False
    return True


def policies(vocabulary: Sequence[str] = ()) -> st.SearchStrategy[Policy]:
    """Policies that the parser accepts."""
    return drafts(vocabulary, agreeing=True).filter(accepted).map(PolicyDraft.parsed)


def all_names(policy: Policy) -> list[str]:
    """Every name and alias, severest first."""
    return [name for level in policy.levels for name in (level.name, *level.aliases)]


def in_full_width(name: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in name)


def spellings(name: str) -> st.SearchStrategy[str]:
    odd = (str.upper, str.lower, str.swapcase, str.casefold, in_full_width)
    return st.sampled_from([*[name] * 4, *(change(name) for change in odd), f" {name}\u00a0"])


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
    "#complete {}",
    "#field project_id {}",
    "#merge @0",
    "#merge @1",
)
MERGE = re.compile(r"#merge @(\d)")
"""A merge into the ticket of this index, which has its number only when the mail is sent."""


HEARD_BY_LIKENESS = (
    "Seit sechs geht hier gar nichts, in unseren Augen kritisch. Bitte sofort anrufen."
)
"""A critical claim that no pattern finds."""


def claims(vocabulary: Sequence[str]) -> st.SearchStrategy[str]:
    """Lines that claim a severity."""
    described = st.sampled_from(["Production is down and burns", HEARD_BY_LIKENESS])
    return _formatted(_CLAIMS, vocabulary) | described


def commands(vocabulary: Sequence[str]) -> st.SearchStrategy[str]:
    return _formatted(_COMMANDS, vocabulary)


def _formatted(forms: Sequence[str], vocabulary: Sequence[str]) -> st.SearchStrategy[str]:
    name = st.sampled_from(vocabulary).flatmap(spellings)
    return st.builds(lambda form, one: form.format(one), st.sampled_from(forms), name)


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
class MailContent:
    """The parts of a mail that may claim a severity."""

    subject: str
    text: str
    header: tuple[tuple[str, str], ...]


def _alone(text: str) -> list[str]:
    return [text]


@st.composite
def mail_contents(draw: st.DrawFn, vocabulary: Sequence[str]) -> MailContent:
    """Contents that claim severities, with commands where staff would write them."""
    line = claims(vocabulary)
    head = draw(st.lists(commands(vocabulary), max_size=1) | commands(vocabulary).map(_alone))
    text = [*head, *draw(st.lists(line | st.just(""), max_size=4)), "Regards"]
    header = draw(st.sampled_from(HEADERS))
    return MailContent(draw(line | commands(vocabulary)), "\n".join(text), tuple(header.items()))


ANN, BOB, GIL = "ann@acme.example", "bob@acme.example", "gil@globex.example"
SAM = "sam@help.example"
"""Staff; all others are customers."""
NEW = "new@acme.example"
"""A colleague who is not enrolled."""
EVE = "eve@evil.example"


@dataclass(frozen=True)
class MailStep:
    """A mail to support."""

    sender: str
    content: MailContent
    route: str
    """`new`, or to a ticket by its `tag` in the subject or by the sender's `token` for it."""
    ticket: int
    """An index into the existing tickets, modulo their number."""
    proven: bool

    @property
    def may_command(self) -> bool:
        return self.sender == SAM and self.proven and self.route == "token"


@dataclass(frozen=True)
class RepeatStep:
    """An earlier mail again, byte for byte, proven or not."""

    mail: int
    proven: bool


@dataclass(frozen=True)
class ReleaseStep:
    """Staff release a held mail and may name its author."""

    held: int
    author: str | None
    as_new: bool


@dataclass(frozen=True)
class PolicyChangeStep:
    """The mailbox changes to another policy."""

    policy: Policy


@dataclass(frozen=True)
class SeverityChangeStep:
    """Staff set the severity of a ticket, or of a new one if there is none."""

    ticket: int
    level: str
    source: Source
    opens: bool


@dataclass(frozen=True)
class MergeStep:
    """A ticket becomes part of another, by any door."""

    ticket: int
    into: int | None
    """None for an ordinary ticket that is opened for it."""
    source: Source
    burns: bool
    """Staff make it critical before."""


@dataclass(frozen=True)
class ReloadStep:
    """The file of the policy is read again while the server runs, and a mail may come meanwhile."""

    draft: PolicyDraft
    meanwhile: MailStep | None


@dataclass(frozen=True)
class RaceStep:
    """Both at the same time."""

    mail_step: MailStep
    change: SeverityChangeStep


@dataclass(frozen=True)
class EnrolStep:
    """NEW becomes a user, so their held mail may be released."""


Step = (
    MailStep
    | RepeatStep
    | ReleaseStep
    | PolicyChangeStep
    | SeverityChangeStep
    | RaceStep
    | MergeStep
    | ReloadStep
    | EnrolStep
)


@dataclass(frozen=True)
class Scenario:
    """The policy at the start, and the steps."""

    policy: Policy
    steps: Sequence[Step]


_NUMBERS = st.integers(0, 3)
_SENDERS = st.sampled_from([ANN, ANN, BOB, GIL, SAM, SAM, SAM, SAM, NEW, EVE])
_ROUTES = st.sampled_from(["token", "token", "token", "token", "tag", "new"])
_PROVEN = st.sampled_from([True, True, True, False])
_SOURCES = st.sampled_from([Source.API, Source.CONSOLE])
_DOORS = [Source.API, Source.CONSOLE, *Source]


@st.composite
def scenarios(draw: st.DrawFn, length: int = 10) -> Scenario:
    """The policies of one scenario use the same few level names."""
    names_used = draw(st.permutations(ODD_NAMES))[:6]
    files = [draw(drafts(names_used, agreeing=True).filter(accepted)) for _ in range(2)]
    known = [file.parsed() for file in files]
    contents = mail_contents(names_used)
    mail_steps = st.builds(MailStep, _SENDERS, contents, _ROUTES, _NUMBERS, _PROVEN)
    levels = st.sampled_from([level.name for policy in known for level in policy.levels])
    changes = st.builds(
        SeverityChangeStep, _NUMBERS, levels, _SOURCES, st.sampled_from([False, False, True])
    )
    rare = st.one_of(
        st.builds(RepeatStep, _NUMBERS, st.booleans()),
        st.builds(ReleaseStep, _NUMBERS, st.sampled_from([None, ANN, SAM]), st.booleans()),
        st.sampled_from(known).map(PolicyChangeStep),
        st.just(EnrolStep()),
        st.builds(ReloadStep, st.sampled_from(files), st.none() | mail_steps),
    )
    merges = st.builds(
        MergeStep, _NUMBERS, st.none() | _NUMBERS, st.sampled_from(_DOORS), st.booleans()
    )
    steps = st.one_of(
        mail_steps,
        mail_steps,
        mail_steps,
        changes,
        changes,
        st.builds(RaceStep, mail_steps, changes),
        merges,
        rare,
    )
    first = MailStep(ANN, draw(contents), "new", 0, True)
    return Scenario(
        known[0], [first, *draw(st.lists(steps, min_size=length // 2, max_size=length))]
    )
