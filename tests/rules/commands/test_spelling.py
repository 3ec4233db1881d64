"""How clients and people write a command, and lines that only look like one."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.commands import (
    Command,
    Help,
    Note,
    OnBehalf,
    Public,
    asks_for_note,
    commands_first,
    parse_commands,
    without_commands,
)
from rules.commands.spelling import spelled
from rules.commands.table import ENTRIES, NAMES
from rules.commands.values import COMMANDS
from rules.ticket.changes import Assign, Assignee, Escalate, Merge, RemovePerson, SetStatus
from rules.ticket.lifecycle import Status
from tests.rules.building import default_policy

LEVELS = default_policy().levels


def is_misplaced(line: str) -> bool:
    """Whether a line below other text begins as a command does, and is no text for customers."""
    found = spelled(line)
    return found is not None and found.is_misplaced


def given_by(line: str) -> tuple[Command, ...]:
    return parse_commands(line, LEVELS).given


def test_every_command_of_the_table_is_read_and_no_other() -> None:
    assert {entry.name for entry in ENTRIES} == set(COMMANDS)


def test_no_name_stands_for_two_commands() -> None:
    named = [(entry.german, *entry.aliases) for entry in ENTRIES]
    counted = Counter(name for names, e in zip(named, ENTRIES, strict=True)
                      for name in {e.name, *names})  # fmt: skip

    assert [name for name, number in counted.items() if number > 1] == []


@pytest.mark.parametrize(
    "line",
    [
        "#Notiz", "#NOTE.", "#note:", "#note!", "#note\u2026", "**#note**", "*#note*", "_#note_",
        "- #note", "* #note", "\u2022\u00a0#note", "\u2013 #note", "\u201c#note\u201d",
        "\u201e#Notiz\u201c", "`#note`", "\\#note", "(#note)", "# note", "#\u00a0Note", "## Note",
        "\uff03 note", "\uff03\uff4e\uff4f\uff54\uff45", "#\ufe0f\u20e3note", "\u3164#note",
        "#**note**", "1. #note", "\U0001f4dd #note", "#note <https://x.example/#note>",
        "#internal", "#privat", "\u202f#note\u202f",
    ],
)  # fmt: skip
def test_a_note_is_a_note_however_a_client_formats_it(line: str) -> None:
    assert given_by(f"{line}\n\nHe is wrong.") == (Note(),)
    assert asks_for_note(f"Hello,\n{line}\nHe is wrong.")


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("#öffentlich", Public()),
        ("#o\u0308ffentlich", Public()),
        ("#oeffentlich", Public()),
        ("#offentlich", Public()),
        ("#status offen", SetStatus(Status.OPEN)),
        ("#Status wartet.", SetStatus(Status.PENDING)),
        ("#status \u201egelöst\u201c", SetStatus(Status.RESOLVED)),
        ("#status gelo\u0308st", SetStatus(Status.RESOLVED)),
        ("#status: Closed", SetStatus(Status.CLOSED)),
        ("# status closed", SetStatus(Status.CLOSED)),
        ("**#status** closed", SetStatus(Status.CLOSED)),
        ("#zuweisen ich", Assign(Assignee.ME)),
        ("#zuweisen niemand", Assign(Assignee.NOBODY)),
        ("#assign \u2018Sam Reed\u2019", Assign("Sam Reed")),
        ("#cc \u2013bob@acme.example", RemovePerson("bob@acme.example")),
        ("#zusammenfuehren #12.", Merge(12)),
        ("#eskalieren die Bank schließt", Escalate("die Bank schließt")),
        ("#im-auftrag ann@acme.example", OnBehalf("ann@acme.example")),
        ("#Hilfe", Help()),
    ],
)
def test_a_command_is_read_in_german_and_as_a_phone_writes_it(line: str, command: Command) -> None:
    assert given_by(line) == (command,)


BELOW = [
    "#note", "#Notiz", "- #note", "**#note**", "# note", "#status closed", "# status closed",
    "#notte", "#stauts open", "#escalate now", "#severity low", "#help", "\uff03note",
]  # fmt: skip


@pytest.mark.parametrize("line", BELOW)
def test_a_command_below_other_text_is_a_fault_and_leaves_what_is_published(line: str) -> None:
    text = f"Hi Sam,\n\n{line}\n\nthey did not pay."
    read = parse_commands(text, LEVELS)

    assert read.given == ()
    assert "stands below other text" in str(read.faults[0])
    assert line not in without_commands(text)
    assert commands_first(text).split("\n") == [line, "", "Hi Sam,", "", "", "they did not pay."]


@pytest.mark.parametrize(
    "line",
    [
        "#42", "#hashtag", "#", "# Workaround", "# Status", "## Note on billing", "#!/bin/sh",
        "#include <stdio.h>", "# a comment", "see #note", "> #note", "#1 is done", "#ff00aa",
        "- #42", "* #team", "### Next steps", "C# note",
    ],
)  # fmt: skip
def test_a_line_in_prose_that_is_no_commands_name_is_text(line: str) -> None:
    text = f"Hi Sam,\n{line}\nBye"

    assert parse_commands(text, LEVELS).faults == ()
    assert without_commands(text) == text


@pytest.mark.parametrize("line", ["note", "Note:", "**Notiz**", " NOTE ", "Intern", "private."])
def test_a_heading_that_was_a_note_is_not_published(line: str) -> None:
    read = parse_commands(f"{line}\n\nThey did not pay.", LEVELS)

    assert (read.given, read.bare_note) == ((), line.strip())
    assert asks_for_note(f"{line}\n\nThey did not pay.")
    assert parse_commands(f"Hello,\n{line}\nBye", LEVELS).bare_note == ""
    assert parse_commands(f"{line} the time\nBye", LEVELS).bare_note == ""


def test_two_commands_below_a_greeting_are_moved_in_their_order() -> None:
    text = "#note\n\nHi,\n#status closed\nwe know.\n#assign me"

    assert commands_first(text) == "#note\n#status closed\n#assign me\n\nHi,\nwe know."


LINE = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(["", " ", "\u00a0", "- ", "* ", "**", "\u201c", "\u2022 ", "\ufeff", "\u200b"]),
    st.sampled_from(["#", "\uff03", "# ", "#\u00a0", "##"]),
    st.sampled_from(sorted(NAMES)).flatmap(
        lambda name: st.sampled_from([name, name.upper(), name.capitalize()])
    ),
    st.sampled_from(["", " open", " me", " x@y.example", " 12", ": it", "."]),
    st.sampled_from(["", "**", "\u201d", ".", "\u00a0", "!"]),
)


@given(LINE, st.sampled_from(["", "Hi,\n", "> quoted\n", "Hi,\n\n> quoted\n\n"]))
def test_a_line_that_begins_as_a_command_does_is_never_published(line: str, above: str) -> None:
    text = f"{above}{line}\nThey did not pay."
    read = parse_commands(text, LEVELS)

    if above and is_misplaced(line) and not read.misplaced:
        assert "# " in line or "#\u00a0" in line or "##" in line  # a heading in prose
    elif above and not is_misplaced(line):
        assert read.given == ()
    else:
        assert read.given or read.faults
        assert not (above and read.given)


@given(st.text(max_size=60), st.text("#\uff03 \n\u00a0*-notestau\u201c", max_size=40))
def test_any_text_is_read_without_an_error(one: str, other: str) -> None:
    for text in (one, other, one + "\n" + other):
        read = parse_commands(text, LEVELS)
        assert not (read.given and read.faults)
        assert parse_commands(commands_first(text), LEVELS).misplaced == ()
