"""How the value of a command is read: what all commands have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rules.commands.model import Command
from rules.commands.table import BY_NAME, CommandEntry
from rules.sentence import Sentence, sentence
from rules.ticket.severity import Level

REASON_LENGTH = 400
_LINKED = re.compile(r"<mailto:[^<>]*>", re.IGNORECASE)
"""The conversion of HTML to text writes the target of a link after an address."""


@dataclass(frozen=True, slots=True)
class Fault:
    """An invalid command line: what is wrong, and what to write instead."""

    why: Sentence


Read = Callable[[str, Sequence[Level], str | None], tuple[Command, ...] | Fault]


@dataclass(frozen=True, slots=True)
class Form:
    """How the value of a command is read."""

    read: Read
    repeats: bool = False
    """Whether several lines of it are combined; any other command may be given once."""


def entry_of(name: str) -> CommandEntry:
    return BY_NAME[name]


def alone(name: str, command: Command) -> Form:
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

    return Form(read_alone)


def with_value(
    read_value: Callable[[str], tuple[Command, ...] | Fault], repeats: bool = False
) -> Form:
    """A command whose value means the same under every policy."""

    def read_it(
        value: str, levels: Sequence[Level], ceiling: str | None
    ) -> tuple[Command, ...] | Fault:
        del levels, ceiling
        return read_value(value)

    return Form(read_it, repeats)


def reason(value: str) -> str:
    """The value as a reason for the audit trail: printable, on one line, cut to `REASON_LENGTH`."""
    return "".join(c for c in value if c.isprintable())[:REASON_LENGTH].strip()


def short(value: str) -> str:
    """A value as a sentence quotes it: cut to 60 characters."""
    value = reason(value)
    return f"{value[:60]}…" if len(value) > 60 else value or "(nothing)"


def without_links(value: str) -> str:
    return _LINKED.sub("", value)


def unlinked(value: str) -> str:
    return without_links(value).strip().removeprefix("<").removesuffix(">")


def no_address(name: str, value: str) -> Fault:
    return Fault(
        sentence(
            "#{name} {value}: this is not a valid email address; write {usage}.",
            name=name,
            value=short(value),
            usage=entry_of(name).usage,
        )
    )


def unknown(name: str, value: str, hint: str, known: str) -> Fault:
    """A value that is none of those that a command takes."""
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
