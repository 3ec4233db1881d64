"""The values of commands: each is read whole, or it is a fault that says what to write."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from rules.commands.model import (
    USAGE,
    Assign,
    Cc,
    Command,
    Escalate,
    Help,
    Merge,
    Note,
    OnBehalf,
    Public,
    Requester,
    SetSeverity,
    SetStatus,
    Snooze,
    Split,
    Tag,
    Unsubscribe,
    Untag,
    Whom,
    Workaround,
)
from rules.mail.addresses import normalise
from rules.ticket.business_time import ALWAYS, due, parse_span
from rules.ticket.lifecycle import Status
from rules.ticket.severity import Level, capped
from rules.validation.messages import suggestion

LINE_LENGTH = 2000
REASON_LENGTH = 400
MOST_TAGS = 20

_TAG = re.compile(r"\w[\w.:/+-]{0,39}")
_TICKET = re.compile(r"#?([1-9][0-9]{0,17})")
_LINKED = re.compile(r"<mailto:[^<>]*>", re.IGNORECASE)
"""What turns HTML into text puts the target of a link behind an address."""
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Bad:
    """A value that was not understood, in words."""

    why: str


def read(name: str, value: str, levels: Sequence[Level], ceiling: str | None) -> Command | Bad:
    """One command, or what is wrong with it. No name: `value` is a line that has none."""
    if not name:
        return Bad(
            f"{short(value)}: write a command without a blank behind #, "
            f"and at most {LINE_LENGTH} characters on its line."
        )
    if name == "severity":
        return _severity(value, levels, ceiling)
    if (alone := _ALONE.get(name)) is not None:
        if value:
            return Bad(f"#{name} stands alone on its line; put {short(value)} on the next one.")
        return alone
    if (reader := _READERS.get(name)) is not None:
        return reader(value)
    hint = suggestion(f"#{name[:40]}", (f"#{each}" for each in USAGE)) or "#help lists all commands"
    return Bad(f"There is no command {short('#' + name)} ({hint}).")


def _severity(value: str, levels: Sequence[Level], ceiling: str | None) -> SetSeverity | Bad:
    """A level by its name or an alias, which may be several words, and then the reason."""
    allowed = _allowed(levels, ceiling)
    there_are = ", ".join(level.name for level in allowed)
    if not value:
        return Bad(f"#severity: say which; there are {there_are}.")
    words = value.split()
    for count in range(min(len(words), 10), 0, -1):
        word = " ".join(words[:count]).rstrip(",:;.")
        level = next((level for level in levels if level.has_name(word)), None)
        if level is None:
            continue
        if level.critical:
            return Bad(
                f"#severity {level.name}: no mail makes a ticket critical; "
                "do it in the console or through the API."
            )
        if level not in allowed:
            return Bad(
                f"#severity {level.name}: by mail {allowed[0].name} is the highest; "
                "do it in the console or through the API."
            )
        severity = capped(levels, level.name, level.name, None, may_claim=False)
        return SetSeverity(severity, reason(" ".join(words[count:]).lstrip("-–— ")))
    hint = suggestion(words[0][:40], (level.name for level in allowed)) or f"there are {there_are}"
    return Bad(f"#severity {short(value)}: there is no such level ({hint}).")


def _allowed(levels: Sequence[Level], ceiling: str | None) -> list[Level]:
    """The levels that a mail may set, severest first."""
    top = next((level.rank for level in levels if level.name == ceiling), len(levels))
    allowed = [level for level in levels if not level.critical and level.rank <= top]
    return sorted(allowed, key=lambda level: -level.rank)


def _status(value: str) -> SetStatus | Bad:
    word = value.casefold()
    if word in set(Status):
        return SetStatus(Status(word))
    hint = suggestion(word[:40], Status) or f"there are {', '.join(Status)}"
    return Bad(f"#status {short(value)}: there is no such status ({hint}).")


def _assign(value: str) -> Assign | Bad:
    match value.casefold():
        case "me":
            return Assign(Whom.ME)
        case "none" | "nobody":
            return Assign(Whom.NOBODY)
    name = _unlinked(value).removeprefix("@")
    if "@" in name:
        address = normalise(name)
        return Bad(_no_address("assign", value)) if address is None else Assign(address)
    if not name or len(name) > 80 or not name.isprintable():
        return Bad(f"#assign {short(value)}: write {USAGE['assign']}.")
    return Assign(name)


def _tag(value: str) -> Tag | Bad:
    names = _tags("tag", value)
    return names if isinstance(names, Bad) else Tag(names)


def _untag(value: str) -> Untag | Bad:
    names = _tags("untag", value)
    return names if isinstance(names, Bad) else Untag(names)


def _tags(name: str, value: str) -> tuple[str, ...] | Bad:
    tags = [tag.removeprefix("#").casefold() for tag in value.replace(",", " ").split()]
    if not 0 < len(tags) <= MOST_TAGS:
        return Bad(f"#{name}: write one to {MOST_TAGS} words, such as {USAGE[name]}.")
    if wrong := next((tag for tag in tags if not _TAG.fullmatch(tag)), None):
        return Bad(f"#{name} {short(wrong)}: a tag is letters and digits, 40 at most.")
    return tuple(dict.fromkeys(tags))


def _cc(value: str) -> Cc | Bad:
    added: list[str] = []
    removed: list[str] = []
    for word in re.split(r"[\s,;]+", _LINKED.sub("", value)):
        if not word:
            continue
        address = normalise(word.lstrip("+-").strip("<>"))
        if address is None:
            return Bad(_no_address("cc", word))
        (removed if word.startswith("-") else added).append(address)
    if not added and not removed:
        return Bad(f"#cc: say whom; write {USAGE['cc']}.")
    if both := sorted(set(added) & set(removed)):
        return Bad(f"#cc {both[0]}: it is both added and removed; write one of them.")
    return Cc(tuple(dict.fromkeys(added)), tuple(dict.fromkeys(removed)))


def _requester(value: str) -> Requester | Bad:
    address = normalise(_unlinked(value))
    return Bad(_no_address("requester", value)) if address is None else Requester(address)


def _on_behalf(value: str) -> OnBehalf | Bad:
    address = normalise(_unlinked(value))
    return Bad(_no_address("onbehalf", value)) if address is None else OnBehalf(address)


def _merge(value: str) -> Merge | Bad:
    if found := _TICKET.fullmatch(value):
        return Merge(int(found[1]))
    return Bad(f"#merge {short(value)}: write the number of one ticket, such as {USAGE['merge']}.")


def _snooze(value: str) -> Snooze | Bad:
    try:
        span = parse_span(value)
    except ValueError:
        return Bad(f"#snooze {short(value)}: write how long, a year at most, such as 4h or 3d.")
    if span.business:
        return Bad(f"#snooze {span}: it counts round the clock; write it such as 4h or 3d.")
    return Snooze(due(_EPOCH, span, ALWAYS) - _EPOCH)


def reason(value: str) -> str:
    """Printable, on one line, cut to its bound; it stands in the audit trail."""
    return "".join(c for c in value if c.isprintable())[:REASON_LENGTH].strip()


def _unlinked(value: str) -> str:
    return _LINKED.sub("", value).strip().removeprefix("<").removesuffix(">")


def _no_address(name: str, value: str) -> str:
    return f"#{name} {short(value)}: this is no mail address; write {USAGE[name]}."


def short(value: str) -> str:
    """What was written, to be repeated in a sentence."""
    value = reason(value)
    return f"{value[:60]}…" if len(value) > 60 else value or "(nothing)"


_ALONE: Mapping[str, Command] = MappingProxyType(
    {
        "note": Note(),
        "public": Public(),
        "split": Split(),
        "help": Help(),
        "unsubscribe": Unsubscribe(),
    }
)
_READERS: Mapping[str, Callable[[str], Command | Bad]] = MappingProxyType(
    {
        "status": _status,
        "assign": _assign,
        "tag": _tag,
        "untag": _untag,
        "workaround": lambda value: Workaround(reason(value)),
        "cc": _cc,
        "requester": _requester,
        "merge": _merge,
        "snooze": _snooze,
        "escalate": lambda value: Escalate(reason(value)),
        "onbehalf": _on_behalf,
    }
)
