"""The table of commands: how each is written, and how its value is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from rules.commands.model import Command, Help, Note, OnBehalf, Public
from rules.mail.addresses import normalise
from rules.sentence import Sentence, sentence
from rules.ticket.changes import (
    AddPerson,
    Assign,
    Assignee,
    Complete,
    Escalate,
    Merge,
    RemovePerson,
    SetField,
    SetSeverity,
    SetStatus,
    Unsubscribe,
    Workaround,
)
from rules.ticket.lifecycle import Status
from rules.ticket.severity import Level, capped
from rules.validation.messages import suggestion

LINE_LENGTH = 2000
REASON_LENGTH = 400
MOST_ADDRESSES = 50
"""In the `#cc` of one mail, as in one request to the API: each is decided on a ticket that has all
those before it, and everybody on a ticket gets its mail."""
_TICKET = re.compile(r"#?([1-9][0-9]{0,17})")
_LINKED = re.compile(r"<mailto:[^<>]*>", re.IGNORECASE)
"""The conversion of HTML to text writes the target of a link after an address."""


@dataclass(frozen=True, slots=True)
class Fault:
    """An invalid command line: what is wrong, and what to write instead."""

    why: Sentence


@dataclass(frozen=True, slots=True)
class Form:
    """How a command is written, and how its value is read."""

    usage: str
    read: Callable[[str, Sequence[Level], str | None], tuple[Command, ...] | Fault]
    repeats: bool = False
    """Whether several lines of it are combined; any other command may be given once."""


def read(
    name: str, value: str, levels: Sequence[Level], ceiling: str | None
) -> tuple[Command, ...] | Fault:
    """The commands of one line, or its fault. Without a name, `value` is the whole line."""
    if not name:
        return Fault(
            sentence(
                "{line}: write a command without a space after #, "
                "and at most {most} characters on its line.",
                line=short(value),
                most=LINE_LENGTH,
            )
        )
    if (form := COMMANDS.get(name)) is not None:
        return form.read(value, levels, ceiling)
    near = suggestion(f"#{name[:40]}", (f"#{each}" for each in COMMANDS))
    if near:
        return Fault(
            sentence("There is no command {name} ({hint}).", name=short("#" + name), hint=near)
        )
    return Fault(
        sentence("There is no command {name} (#help lists all commands).", name=short("#" + name))
    )


def _alone(name: str, command: Command) -> Form:
    """A command without a value."""

    def read_alone(
        value: str, levels: Sequence[Level], ceiling: str | None
    ) -> tuple[Command, ...] | Fault:
        del levels, ceiling
        if not value:
            return (command,)
        return Fault(
            sentence(
                "#{name} stands alone on its line; put {text} on the next one.",
                name=name,
                text=short(value),
            )
        )

    return Form(f"#{name}", read_alone)


def _with_value(
    usage: str, read_value: Callable[[str], tuple[Command, ...] | Fault], repeats: bool = False
) -> Form:
    """A command whose value means the same under every policy."""

    def read_it(
        value: str, levels: Sequence[Level], ceiling: str | None
    ) -> tuple[Command, ...] | Fault:
        del levels, ceiling
        return read_value(value)

    return Form(usage, read_it, repeats)


def _severity(
    value: str, levels: Sequence[Level], ceiling: str | None
) -> tuple[SetSeverity, ...] | Fault:
    """A level by its name or an alias, which may consist of several words, then the reason."""
    allowed = _allowed(levels, ceiling)
    known = ", ".join(level.name for level in allowed)
    if not value:
        return Fault(sentence("#severity: name a level; expected one of: {known}.", known=known))
    written = value.split()
    for count in range(min(len(written), 10), 0, -1):
        name = " ".join(written[:count]).rstrip(",:;.")
        level = next((level for level in levels if level.has_name(name)), None)
        if level is None:
            continue
        if level.critical:
            return Fault(
                sentence(
                    "#severity {level}: no mail makes a ticket critical; "
                    "use the command line or the API.",
                    level=level.name,
                )
            )
        if level not in allowed:
            return Fault(
                sentence(
                    "#severity {level}: by mail {highest} is the highest; "
                    "use the command line or the API.",
                    level=level.name,
                    highest=allowed[0].name,
                )
            )
        severity = capped(levels, level.name, level.name, None, may_claim=False)
        return (SetSeverity(severity, reason(" ".join(written[count:]).lstrip("-–— "))),)
    hint = suggestion(written[0][:40], (level.name for level in allowed))
    return _unknown("severity", value, hint, known)


def _allowed(levels: Sequence[Level], ceiling: str | None) -> list[Level]:
    """The levels that a mail may set, severest first."""
    top = next((level.rank for level in levels if level.name == ceiling), len(levels))
    allowed = [level for level in levels if not level.critical and level.rank <= top]
    return sorted(allowed, key=lambda level: -level.rank)


def _unknown(name: str, value: str, hint: str, known: str) -> Fault:
    if hint:
        return Fault(
            sentence(
                "#{name} {value}: there is no such {name} ({hint}).",
                name=name,
                value=short(value),
                hint=hint,
            )
        )
    return Fault(
        sentence(
            "#{name} {value}: there is no such {name}; expected one of: {known}.",
            name=name,
            value=short(value),
            known=known,
        )
    )


def _status(value: str) -> tuple[SetStatus, ...] | Fault:
    status = value.casefold()
    if status in set(Status):
        return (SetStatus(Status(status)),)
    return _unknown("status", value, suggestion(status[:40], Status), ", ".join(Status))


def _assign(value: str) -> tuple[Assign, ...] | Fault:
    match value.casefold():
        case "me":
            return (Assign(Assignee.ME),)
        case "none" | "nobody":
            return (Assign(Assignee.NOBODY),)
    name = _unlinked(value).removeprefix("@")
    if "@" in name:
        address = normalise(name)
        return _no_address("assign", value) if address is None else (Assign(address),)
    if not name or len(name) > 80 or not name.isprintable():
        return Fault(
            sentence(
                "#assign {value}: write {usage}.",
                value=short(value),
                usage=COMMANDS["assign"].usage,
            )
        )
    return (Assign(name),)


def _cc(value: str) -> tuple[AddPerson | RemovePerson, ...] | Fault:
    added: list[str] = []
    removed: list[str] = []
    names = [name for name in re.split(r"[\s,;]+", _LINKED.sub("", value)) if name]
    if len(names) > MOST_ADDRESSES:
        return too_many_addresses()
    for written in names:
        address = normalise(written.lstrip("+-").strip("<>"))
        if address is None:
            return _no_address("cc", written)
        (removed if written.startswith("-") else added).append(address)
    if not added and not removed:
        return Fault(sentence("#cc: name an address; write {usage}.", usage=COMMANDS["cc"].usage))
    if both := sorted(set(added) & set(removed)):
        return Fault(
            sentence("#cc {address}: it is both added and removed; write one.", address=both[0])
        )
    return (
        *(AddPerson(address) for address in dict.fromkeys(added)),
        *(RemovePerson(address) for address in dict.fromkeys(removed)),
    )


def _field(value: str) -> tuple[SetField, ...] | Fault:
    name, _, set_to = value.partition(" ")
    if not name:
        return Fault(
            sentence("#field: name a field; write {usage}.", usage=COMMANDS["field"].usage)
        )
    return (SetField(name, set_to.strip()),)


def _on_behalf(value: str) -> tuple[OnBehalf, ...] | Fault:
    address = normalise(_unlinked(value))
    return _no_address("onbehalf", value) if address is None else (OnBehalf(address),)


def too_many_addresses() -> Fault:
    return Fault(
        sentence(
            "#cc: there are more than {most} addresses; give them in several mails.",
            most=MOST_ADDRESSES,
        )
    )


def _merge(value: str) -> tuple[Merge, ...] | Fault:
    if found := _TICKET.fullmatch(value):
        return (Merge(int(found[1])),)
    return Fault(
        sentence(
            "#merge {value}: write the number of one ticket, such as {usage}.",
            value=short(value),
            usage=COMMANDS["merge"].usage,
        )
    )


def reason(value: str) -> str:
    """The value as a reason for the audit trail: printable, on one line, cut to `REASON_LENGTH`."""
    return "".join(c for c in value if c.isprintable())[:REASON_LENGTH].strip()


def _unlinked(value: str) -> str:
    return _LINKED.sub("", value).strip().removeprefix("<").removesuffix(">")


def _no_address(name: str, value: str) -> Fault:
    return Fault(
        sentence(
            "#{name} {value}: this is not a valid email address; write {usage}.",
            name=name,
            value=short(value),
            usage=COMMANDS[name].usage,
        )
    )


def short(value: str) -> str:
    """A value as a sentence quotes it: cut to 60 characters."""
    value = reason(value)
    return f"{value[:60]}…" if len(value) > 60 else value or "(nothing)"


COMMANDS: Mapping[str, Form] = MappingProxyType(
    {
        "note": _alone("note", Note()),
        "public": _alone("public", Public()),
        "status": _with_value("#status open|pending|resolved|closed", _status),
        "assign": _with_value("#assign me|name|none", _assign),
        "severity": Form("#severity level, and why", _severity),
        "workaround": _with_value(
            "#workaround what it is", lambda value: (Workaround(reason(value)),)
        ),
        "complete": _with_value("#complete why", lambda value: (Complete(reason(value)),)),
        "field": _with_value("#field project_id blue-7", _field, repeats=True),
        "cc": _with_value("#cc +ann@client.example -bob@client.example", _cc, repeats=True),
        "merge": _with_value("#merge 123", _merge),
        "escalate": _with_value("#escalate reason", lambda value: (Escalate(reason(value)),)),
        "onbehalf": _with_value("#onbehalf ann@client.example", _on_behalf),
        "help": _alone("help", Help()),
        "unsubscribe": _alone("unsubscribe", Unsubscribe()),
    }
)
"""Every command by its name."""
