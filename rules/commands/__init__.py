"""The commands that stand at the head of a mail: how they are read, not what they do.

    #status resolved
    #assign me

    Hello Ann, ...

Staff give commands on lines before any other text; empty lines between them do not count. A line is
meant as a command when `#` is followed at once by a letter. So `#1 of our list`, `# A heading` and
`#` alone are text, but `#hello` is a command that does not exist: what looks like one is never
published by mistake. For the same reason `# note` is a fault and no heading. The first line that is
no command begins the text, and nothing in it is a command any more.

All or nothing: one fault, and no command is given at all. Customers are not expected to know any of
this, so of their words `participant_command` knows two, and the rest is always plain text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from rules.commands.model import Command, Directive, Help, Note, Public
from rules.commands.values import COMMANDS, LINE_LENGTH, Fault, read, reason
from rules.sentence import Sentence, sentence
from rules.ticket.changes import Escalate, MailChange, Unsubscribe
from rules.ticket.severity import Level

__all__ = [
    "COMMANDS",
    "Command",
    "Commands",
    "Directive",
    "Help",
    "MailChange",
    "Note",
    "Public",
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
    """In the order written, each once; none where there is a fault."""
    text: str
    """To be published: the text without the command lines."""
    faults: tuple[Sentence, ...]
    """One sentence each: what is wrong, and what to write instead."""
    lines: tuple[str, ...]
    """The command lines as they were written, the faulty ones too."""


_COMMAND = re.compile(r"#([^\W\d_]\S*)\s*(.*)", re.DOTALL)
_APART = re.compile(r"#\s+([A-Za-z]+)\b")
_UNSEEN = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
"""Signs that nobody sees, left by editors."""
_SPELT: Mapping[int, str | None] = MappingProxyType(
    {ord("\uff03"): "#", ord("\ufe5f"): "#"} | dict.fromkeys(map(ord, _UNSEEN))
)
"""The number signs of Asian keyboards are meant as ours."""
_BLANK = re.compile(rf"[\s{_UNSEEN}]*")
_EITHER_OR = (("severity", "workaround"),)


def parse_commands(text: str, levels: Sequence[Level], ceiling: str | None = None) -> Commands:
    """The commands at the head of what a staff person wrote himself, quotes left out.

    `ceiling` names the highest level that a mail may set; without it that is the highest that is
    not critical. Of `#note` and `#public` together the more private counts.
    """
    lines, rest = _head(text)
    asked = list(dict.fromkeys(map(_name_and_value, lines)))
    if len(lines) > MOST_LINES:
        fault = sentence(
            "There are more than {most} commands; give them in several mails.", most=MOST_LINES
        )
        return Commands((), rest, (fault,), lines)
    answers = [read(name, value, levels, ceiling) for name, value in asked]
    faults = [each.why for each in answers if isinstance(each, Fault)]
    faults += _conflicts([name for name, _ in asked])
    every = (each for answer in answers if not isinstance(answer, Fault) for each in answer)
    given = list(dict.fromkeys(every))
    if Note() in given and Public() in given:
        given.remove(Public())
    return Commands(() if faults else tuple(given), rest, tuple(faults), lines)


def without_commands(text: str) -> str:
    """The text below the commands of a mail, to be published where all of them were done."""
    return _head(text)[1]


def participant_command(text: str) -> Unsubscribe | Escalate | None:
    """What a participant asks for with their first line; None where it is plain text."""
    begins, ends = _next_line(text, 0)
    line = text[begins:ends]
    name, value = _name_and_value(line) if _is_meant(line) else ("", "")
    match name:
        case "unsubscribe":
            return Unsubscribe()
        case "escalate":
            return Escalate(reason(value))
        case _:
            return None


def _head(text: str) -> tuple[tuple[str, ...], str]:
    """The lines that are meant as commands, and what follows them; the text untouched without.

    One line more than there may be is the last that is looked at.
    """
    commands: list[str] = []
    begins, ends = _next_line(text, 0)
    while _is_meant(line := text[begins:ends]) and len(commands) <= MOST_LINES:
        commands.append(line.strip())
        begins, ends = _next_line(text, ends)
    return tuple(commands), text[begins:] if commands else text


def _next_line(text: str, start: int) -> tuple[int, int]:
    """Where the first line with anything on it begins and ends; both at the end without one."""
    blank = _BLANK.match(text, start)
    seen = blank.end() if blank else start
    begins = max(text.rfind("\n", start, seen) + 1, start)
    ends = text.find("\n", seen)
    return (seen, seen) if seen == len(text) else (begins, ends if ends >= 0 else len(text))


def _is_meant(line: str) -> bool:
    line = _cleaned(line.lstrip()[: LINE_LENGTH + 1])
    if apart := _APART.match(line):
        return apart[1].casefold() in COMMANDS
    return _COMMAND.match(line) is not None


def _cleaned(line: str) -> str:
    return line.translate(_SPELT).strip()


def _name_and_value(line: str) -> tuple[str, str]:
    """The name in small letters as it was written, and the value with single spaces."""
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
    for one, other in _EITHER_OR:
        if one in names and other in names:
            yield sentence(
                "#{one} and #{other} do not go together; write one of them.", one=one, other=other
            )
