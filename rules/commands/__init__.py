"""The commands at the head of a mail: how they are read, not what they do.

    #status resolved
    #assign me

    Hello Ann, ...

Staff give commands on lines before any other text; empty lines between them are ignored. A line
is read as a command if a letter follows `#` directly. So `#1 of our list`, `# A heading` and `#`
alone are text, but `#hello` is an unknown command: a line that looks like a command is never
published by mistake. For the same reason `# note` is a fault and not a heading. The text begins at
the first line that is not a command, and contains no commands.

All or nothing: with one fault, no command is given. Customers are not expected to know the
commands, so `participant_command` recognises only two in their mails, and any other line is plain
text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from rules.commands.model import Command, Directive, Help, Note, OnBehalf, Public
from rules.commands.values import (
    COMMANDS,
    LINE_LENGTH,
    MOST_ADDRESSES,
    Fault,
    read,
    reason,
    too_many_addresses,
)
from rules.sentence import Sentence, sentence
from rules.ticket.changes import AddPerson, Escalate, MailChange, RemovePerson, Unsubscribe
from rules.ticket.severity import Level

__all__ = [
    "COMMANDS",
    "NUMBER_SIGNS",
    "Command",
    "Commands",
    "Directive",
    "Help",
    "MailChange",
    "Note",
    "OnBehalf",
    "Public",
    "command_lines",
    "is_sentence_about_escalating",
    "parse_commands",
    "participant_command",
    "without_commands",
]

MOST_LINES = 50
"""Of commands in one mail."""


@dataclass(frozen=True, slots=True)
class Commands:
    """The commands at the head of a mail, and the text below them."""

    given: tuple[Command, ...]
    """In the order written, each once; empty if there is a fault."""
    text: str
    """The text to publish, without the command lines."""
    faults: tuple[Sentence, ...]
    """One sentence each: what is wrong, and what to write instead."""
    lines: tuple[str, ...]
    """The command lines as they were written, the faulty ones too."""


_COMMAND = re.compile(r"#([^\W\d_]\S*)\s*(.*)", re.DOTALL)
_SPACED = re.compile(r"#\s+([A-Za-z]+)\b")
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
"""Invisible characters that editors leave in a text."""
NUMBER_SIGNS = "#\uff03\ufe5f"
"""Every command begins with one."""
_NORMALISED: Mapping[int, str | None] = MappingProxyType(
    dict.fromkeys(map(ord, NUMBER_SIGNS), "#") | dict.fromkeys(map(ord, _INVISIBLE))
)
"""The number signs of Asian keyboards count as `#`; invisible characters are removed."""
_WHITE_SPACE = re.compile(rf"[\s{_INVISIBLE}]*")
_EXCLUSIVE = (("severity", "workaround"),)


def parse_commands(text: str, levels: Sequence[Level], ceiling: str | None = None) -> Commands:
    """The commands at the head of a staff person's own text, quotes left out.

    `ceiling` names the highest level that a mail may set; without it that is the highest that is
    not critical. If both `#note` and `#public` are given, `#note` counts.
    """
    lines, rest = _head(text)
    written = list(dict.fromkeys(map(_name_and_value, lines)))
    if len(lines) > MOST_LINES:
        fault = sentence(
            "There are more than {most} commands; give them in several mails.", most=MOST_LINES
        )
        return Commands((), rest, (fault,), lines)
    answers = [read(name, value, levels, ceiling) for name, value in written]
    faults = [each.why for each in answers if isinstance(each, Fault)]
    faults += _conflicts([name for name, _ in written])
    every = (each for answer in answers if not isinstance(answer, Fault) for each in answer)
    given = list(dict.fromkeys(every))
    if sum(isinstance(each, AddPerson | RemovePerson) for each in given) > MOST_ADDRESSES:
        faults.append(too_many_addresses().why)
    if Note() in given and Public() in given:
        given.remove(Public())
    return Commands(() if faults else tuple(given), rest, tuple(faults), lines)


def without_commands(text: str) -> str:
    """The text below the commands of a mail, which is published if all of them were done."""
    return _head(text)[1]


def command_lines(text: str) -> tuple[str, ...]:
    """The command lines at the head of a mail as they were written, the faulty ones too."""
    return tuple(_cleaned(line) for line in _head(text)[0])


def participant_command(text: str) -> Unsubscribe | Escalate | None:
    """The command on a participant's first line; None if it is plain text.

    `#unsubscribe` counts only alone on its line. After `#escalate` a reason may follow, but the
    line is a sentence about the command if it goes on with a verb: `#escalate is not what we want`.
    """
    name, value = _first_command(text)
    match name:
        case "unsubscribe" if not value:
            return Unsubscribe()
        case "escalate" if not _goes_on_as_a_sentence(value):
            return Escalate(reason(value))
        case _:
            return None


def is_sentence_about_escalating(text: str) -> bool:
    """Whether a participant's first line begins with `#escalate` and is no command."""
    name, value = _first_command(text)
    return name == "escalate" and _goes_on_as_a_sentence(value)


def _first_command(text: str) -> tuple[str, str]:
    """The name and the value of the command on the first line; empty if it is plain text."""
    begins, ends = _next_line(text, 0)
    line = text[begins:ends]
    return _name_and_value(line) if _is_command(line) else ("", "")


def _goes_on_as_a_sentence(value: str) -> bool:
    """Whether the words after a command have it for their subject."""
    words = value.casefold().replace("’", "'").split(maxsplit=1)
    return bool(words) and _VERB.fullmatch(words[0].rstrip(",.!?")) is not None


_VERB = re.compile(
    r"is|isn't|was|wasn't|does|doesn't|did|didn't|has|hasn't|seems|fails|failed|works|worked|means"
    r"|ist|war|hat|funktioniert|geht|klappt|bedeutet|heißt"
    r"|est|était|n'est|fonctionne|marche|funciona|significa|è|funziona|é|foi|werkt|betekent"
)
"""In the languages of the customers; a reason seldom begins with one."""


def _head(text: str) -> tuple[tuple[str, ...], str]:
    """The command lines and the text below them; the text unchanged if there are none.

    At most one line more than allowed is read.
    """
    commands: list[str] = []
    begins, ends = _next_line(text, 0)
    while _is_command(line := text[begins:ends]) and len(commands) <= MOST_LINES:
        commands.append(line.strip())
        begins, ends = _next_line(text, ends)
    return tuple(commands), text[begins:] if commands else text


def _next_line(text: str, start: int) -> tuple[int, int]:
    """Where the first line that is not empty begins and ends; the end of the text if none."""
    skipped = _WHITE_SPACE.match(text, start)
    seen = skipped.end() if skipped else start
    begins = max(text.rfind("\n", start, seen) + 1, start)
    ends = text.find("\n", seen)
    return (seen, seen) if seen == len(text) else (begins, ends if ends >= 0 else len(text))


def _is_command(line: str) -> bool:
    line = _cleaned(line.lstrip()[: LINE_LENGTH + 1])
    if spaced := _SPACED.match(line):
        return spaced[1].casefold() in COMMANDS
    return _COMMAND.match(line) is not None


def _cleaned(line: str) -> str:
    return line.translate(_NORMALISED).strip()


def _name_and_value(line: str) -> tuple[str, str]:
    """The name in lower case, and the value with single spaces; no name for an invalid line."""
    line = _cleaned(line)
    if len(line) > LINE_LENGTH or not (found := _COMMAND.fullmatch(line)):
        return "", line[:LINE_LENGTH]
    return found[1].casefold(), " ".join(found[2].split())


def _conflicts(names: Sequence[str]) -> Iterator[Sentence]:
    for name, form in COMMANDS.items():
        if not form.repeats and names.count(name) > 1:
            yield sentence(
                "#{name} is given more than once, with different values; write one of them.",
                name=name,
            )
    for first, second in _EXCLUSIVE:
        if first in names and second in names:
            yield sentence(
                "#{one} and #{other} do not go together; write one of them.",
                one=first,
                other=second,
            )
