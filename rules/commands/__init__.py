"""The commands at the head of a mail: how they are read, not what they do.

    #status resolved
    #assign me

    Hello Ann, ...

Staff give commands on lines before any other text; empty lines between them are ignored. There a
line is read as a command if a letter follows `#` directly. So `#1 of our list` and `#` alone are
text, but `#hello` is an unknown command: a line that looks like a command is never published by
mistake. How clients and people decorate a line is the subject of `spelling`.

The text begins at the first line that is not a command. A line further down that begins with the
name of a command is a fault: its author wanted something that would not happen. There `#hashtag`
and `#42` are text, since no command has these names.

All or nothing: with one fault, no command is given. Customers are not expected to know the
commands, so `participant_command` recognises only two in their mails, and any other line is plain
text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from rules.commands.forms import Fault, reason, short
from rules.commands.model import Command, Digest, Directive, Help, Macro, Note, OnBehalf, Public
from rules.commands.spelling import (
    LINE_LENGTH,
    WHITE_SPACE,
    cleaned,
    heads_as_command,
    is_bare_note,
    spelled,
)
from rules.commands.table import ENTRIES
from rules.commands.values import (
    COMMANDS,
    MOST_ADDRESSES,
    read,
    too_many_addresses,
)
from rules.mail.number_signs import MAY_BE_COMMAND
from rules.sentence import Sentence, sentence
from rules.ticket.changes import AddPerson, Escalate, MailChange, RemovePerson, Unsubscribe
from rules.ticket.severity import Level

__all__ = [
    "COMMANDS",
    "MOST_EXAMINED",
    "Command",
    "Commands",
    "Digest",
    "Directive",
    "Help",
    "Macro",
    "MailChange",
    "Note",
    "OnBehalf",
    "Public",
    "asks_for_note",
    "command_lines",
    "commands_first",
    "is_sentence_about_escalating",
    "names_command",
    "parse_commands",
    "participant_command",
    "participant_wants_digest",
    "without_commands",
]

MOST_LINES = 50
"""Of commands in one mail."""
SHORT = 40
MOST_NAMED = 5
"""Lines below other text that a receipt names."""
MOST_EXAMINED = 500
"""Lines below other text that may be commands. Each further one counts as a command."""


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
    misplaced: tuple[str, ...] = ()
    """Those that stand below other text: each is a fault."""
    bare_note: str = ""
    """The first line of the text, if it is `Note` alone: a client may have dropped the sign."""


_EXCLUSIVE = (("severity", "workaround"), ("note", "public"), ("note", "split"))
_PLAIN = re.compile(r"#([^\W\d_]\S*)\s*(.*)", re.DOTALL)
_OF_PARTICIPANTS: Mapping[str, str] = MappingProxyType(
    {
        name: entry.name
        for entry in ENTRIES
        if entry.by_customers
        for name in (entry.name, entry.german)
    }
)


def parse_commands(text: str, levels: Sequence[Level], ceiling: str | None = None) -> Commands:
    """The commands at the head of a staff person's own text, quotes left out.

    `ceiling` names the highest level that a mail may set; without it that is the highest that is
    not critical.
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
    below = _misplaced(rest)
    faults += [_below_text(line) for line in below.examined[:MOST_NAMED]]
    if below.unexamined:
        faults.append(_too_many_below_text())
    done = () if faults else tuple(given)
    return Commands(done, rest, tuple(faults), lines, below.lines, _bare_note(rest))


def without_commands(text: str) -> str:
    """The text of a mail without its commands: what is published if all of them were done, or if
    somebody publishes the draft of a mail whose commands were not."""
    return _misplaced(_head(text)[1]).left


def commands_first(text: str) -> str:
    """The text with its commands at its head, ready to be sent again; unchanged if they are, and
    where too many lines may be commands."""
    head, rest = _head(text)
    below = _misplaced(rest)
    if not below.lines or below.unexamined:
        return text
    return "\n".join((*head, *below.lines, "", below.left.strip()))


def command_lines(text: str) -> tuple[str, ...]:
    """The command lines of a mail as they were written: the faulty ones too, and those that stand
    below other text."""
    head, rest = _head(text)
    return tuple(cleaned(line) for line in (*head, *_misplaced(rest).lines))


def names_command(line: str, name: str) -> bool:
    """Whether a command line gives this command, even beside a fault."""
    found = spelled(line)
    return found is not None and (found.name == name or found.name.startswith(name))


@dataclass(frozen=True, slots=True)
class _BelowText:
    """The command lines below other text."""

    examined: tuple[str, ...]
    unexamined: tuple[str, ...]
    """What may be commands besides, beyond those that are examined."""
    left: str
    """The text without either; unchanged if there are none."""

    @property
    def lines(self) -> tuple[str, ...]:
        return (*self.examined, *self.unexamined)


def _misplaced(text: str) -> _BelowText:
    """The command lines in the text below the head. To examine a line takes ten times as long as to
    find it, so a limited number of them is."""
    examined: list[str] = []
    unexamined: list[str] = []
    kept: list[str] = []
    ends = 0
    for number, line in enumerate(MAY_BE_COMMAND.finditer(text)):
        if number >= MOST_EXAMINED:
            unexamined.append(line[0].strip())
        elif _is_command_below_text(line[0]):
            examined.append(line[0].strip())
        else:
            continue
        kept.append(text[ends : line.start()])
        ends = min(line.end() + 1, len(text))
    return _BelowText(tuple(examined), tuple(unexamined), "".join((*kept, text[ends:])))


def _is_command_below_text(line: str) -> bool:
    """A heading counts only if its value is valid: `# status closed`, but not `# Status`."""
    found = spelled(line)
    if found is None or not found.is_misplaced:
        return False
    if not found.is_heading:
        return True
    is_level = found.name == "severity" and bool(found.value)
    return is_level or not isinstance(read(found.name, found.value, (), None), Fault)


def asks_for_note(text: str) -> bool:
    """Whether a staff person's own text has `#note` among its command lines, even beside a fault or
    without its sign."""
    lines = command_lines(text)
    return any(names_command(line, "note") for line in lines) or bool(_bare_note(_head(text)[1]))


def _bare_note(text: str) -> str:
    """The first line of the text below the commands, if it is `Note` alone."""
    begins, ends = _next_line(text, 0)
    line = text[begins:ends].strip()
    return line if len(line) < SHORT and is_bare_note(line) else ""


def _below_text(line: str) -> Sentence:
    return sentence(
        "{line} stands below other text, where no command is done: write commands first, one on "
        "each line. If you mean no command, write another word before the #.",
        line=short(cleaned(line)),
    )


def _too_many_below_text() -> Sentence:
    return sentence(
        "More than {most} lines below other text begin with #, too many to tell whether they are "
        "commands: send them as an attached file, or write another word before the #.",
        most=MOST_EXAMINED,
    )


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


def participant_wants_digest(text: str) -> bool:
    """Whether a participant's first line asks for what was withheld from them."""
    return _first_command(text) == ("digest", "")


def is_sentence_about_escalating(text: str) -> bool:
    """Whether a participant's first line begins with `#escalate` and is no command."""
    name, value = _first_command(text)
    return name == "escalate" and _goes_on_as_a_sentence(value)


def _first_command(text: str) -> tuple[str, str]:
    """The name and the value of the command on the first line; empty if it is plain text. A
    customer's must be written exactly."""
    begins, ends = _next_line(text, 0)
    line = cleaned(text[begins:ends][: LINE_LENGTH + 1])
    found = _PLAIN.fullmatch(line) if len(line) <= LINE_LENGTH else None
    if found is None:
        return "", ""
    name = unicodedata.normalize("NFC", found[1]).casefold()
    return _OF_PARTICIPANTS.get(name, name), " ".join(found[2].split())


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
    while heads_as_command(line := text[begins:ends]) and len(commands) <= MOST_LINES:
        commands.append(line.strip())
        begins, ends = _next_line(text, ends)
    return tuple(commands), text[begins:] if commands else text


def _next_line(text: str, start: int) -> tuple[int, int]:
    """Where the first line that is not empty begins and ends; the end of the text if none."""
    skipped = WHITE_SPACE.match(text, start)
    seen = skipped.end() if skipped else start
    begins = max(text.rfind("\n", start, seen) + 1, start)
    ends = text.find("\n", seen)
    return (seen, seen) if seen == len(text) else (begins, ends if ends >= 0 else len(text))


def _name_and_value(line: str) -> tuple[str, str]:
    """The name in lower case, and the value with single spaces; no name for an invalid line."""
    found = spelled(line)
    if found is None or found.is_too_long or (found.is_known and not found.is_certain):
        return "", cleaned(line)[:LINE_LENGTH]
    return found.name, found.value


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
