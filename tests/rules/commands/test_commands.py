"""Commands at the head of a mail: their syntax, their values, and what is never published."""

from __future__ import annotations

import time
import unicodedata
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import policies
from rules.commands import (
    COMMANDS,
    MOST_EXAMINED,
    Command,
    Commands,
    Help,
    Note,
    Public,
    command_lines,
    commands_first,
    parse_commands,
    participant_command,
    without_commands,
)
from rules.commands.table import ENTRIES
from rules.commands.values import MOST_ADDRESSES
from rules.people import StaffNotices
from rules.ticket.changes import (
    AddPerson,
    AddTag,
    Assign,
    Assignee,
    Escalate,
    Follow,
    Merge,
    PreferNotices,
    RemovePerson,
    RemoveTag,
    SetField,
    SetRequester,
    SetSeverity,
    SetStatus,
    Snooze,
    Split,
    Unfollow,
    Unsubscribe,
    Workaround,
)
from rules.ticket.lifecycle import Status
from rules.ticket.severity import Level
from rules.ticket.workaround import lowered
from tests.rules.building import default_policy

LEVELS = default_policy().levels


def parse(text: str, ceiling: str | None = None) -> Commands:
    return parse_commands(text, LEVELS, ceiling)


def given_by(line: str) -> Command:
    """The only command of a valid line."""
    (command,) = parse(line).given
    return command


def test_one_mail_names_as_many_people_as_one_request_to_the_api() -> None:
    names = [f"p{n}@client.example" for n in range(MOST_ADDRESSES + 1)]
    enough = "\n".join(f"#cc {name}" for name in names[:-1])

    assert len(parse("#cc " + " ".join(names[:-1])).given) == MOST_ADDRESSES
    assert parse("#cc " + " ".join(names)).given == ()
    assert "more than 50 addresses" in fault_of("#cc " + " ".join(names))
    lines = [" ".join(names[begin : begin + 2]) for begin in range(0, len(names), 2)]
    assert "more than 50 addresses" in fault_of("\n".join(f"#cc {line}" for line in lines))
    assert len(parse(enough).given) == MOST_ADDRESSES


def fault_of(text: str) -> str:
    (fault,) = parse(text).faults
    return str(fault)


# The place of commands


def test_commands_end_at_the_first_line_that_is_not_a_command() -> None:
    read = parse("#status resolved\n#assign me\nHello Ann,\n#hashtag\nall done.")

    assert read.given == (SetStatus(Status.RESOLVED), Assign(Assignee.ME))
    assert read.text == "Hello Ann,\n#hashtag\nall done."
    assert read.lines == ("#status resolved", "#assign me")


def test_empty_lines_before_between_and_after_commands_do_not_count() -> None:
    read = parse("\n \n#note\n\n  #merge 7\r\n\n\nHello")

    assert read.given == (Note(), Merge(7))
    assert read.text == "Hello"


@pytest.mark.parametrize(
    "text",
    ["#1 first", "# A heading", "## Notes", "#", "#!/bin/sh", "> #note", "Hi #note", "", "\n H"],
)
def test_any_other_line_is_text_and_is_not_changed(text: str) -> None:
    assert parse(text) == Commands((), text, (), ())


def test_the_text_below_commands_is_not_changed() -> None:
    text = "#note\n\n    indented\n\nend\n"

    assert parse(text).text == without_commands(text) == "    indented\n\nend\n"


def test_commands_alone_leave_no_text() -> None:
    assert parse("#note\n\n").text == ""


@pytest.mark.parametrize(
    "line", ["#NOTE", "#Note", "\u200b#note", "\ufeff#note", "\uff03note", "\u00a0#note\u00a0"]
)
def test_a_name_counts_in_capitals_wide_letters_and_after_invisible_characters(line: str) -> None:
    assert given_by(line) == Note()


# What is never published by mistake


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("#stauts open", "did you mean #status?"),
        ("#nottte", "did you mean #note?"),
        ("#explode", "#help lists all commands"),
        ("#über uns", "#help lists all commands"),
    ],
)
def test_an_unknown_command_is_a_fault_with_a_hint(line: str, hint: str) -> None:
    assert "no command" in fault_of(line)
    assert hint in fault_of(line)


@pytest.mark.parametrize("line", ["# workaround", "# Escalate why", "## Complete"])
def test_a_heading_that_may_be_prose_is_neither_done_nor_published(line: str) -> None:
    assert "write a command without a space" in fault_of(f"{line}\nRestart it.")


@pytest.mark.parametrize("line", ["#note he is wrong", "#note: he is wrong", "# note he is wrong"])
def test_text_after_a_command_without_a_value_is_a_fault(line: str) -> None:
    assert "stands alone" in fault_of(line)


def test_with_one_fault_no_command_is_given() -> None:
    read = parse("#status resolved\n#stauts open\n#merge x\nHello")

    assert read.given == ()
    assert len(read.faults) == 2
    assert read.text == "Hello"


def test_note_and_public_contradict_each_other() -> None:
    assert "do not go together" in fault_of("#public\n#note\nHello")


def test_a_line_that_is_too_long_is_a_fault() -> None:
    assert "at most 2000 characters" in fault_of("#escalate " + "x" * 2000)


def test_too_many_commands_are_one_fault() -> None:
    assert "more than 50" in fault_of("\n".join(f"#merge {n}" for n in range(1, 52)))


# Repeats and conflicts


def test_a_repeated_command_is_given_once() -> None:
    assert parse("#merge 7\n#MERGE  7").given == (Merge(7),)


@pytest.mark.parametrize(
    "text",
    ["#status open\n#status closed", "#escalate a\n#escalate b", "#workaround a\n#workaround b"],
)
def test_two_different_values_for_one_thing_are_a_fault(text: str) -> None:
    assert "more than once" in fault_of(text)


def test_several_cc_lines_are_combined() -> None:
    read = parse("#cc +x@acme.example\n#cc -y@acme.example")

    assert (len(read.given), read.faults) == (2, ())


def test_several_fields_are_set_by_one_mail() -> None:
    read = parse("#field product Kafka\n#field reason Outage")

    assert read.given == (SetField("product", "Kafka"), SetField("reason", "Outage"))
    assert "name a field" in fault_of("#field")


def test_commands_that_exclude_each_other_are_a_fault() -> None:
    assert "do not go together" in fault_of("#severity low\n#workaround")


# Each command and its value


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("#note", Note()),
        ("#public", Public()),
        ("#help", Help()),
        ("#unsubscribe", Unsubscribe()),
        ("#status Pending", SetStatus(Status.PENDING)),
        ("#assign me", Assign(Assignee.ME)),
        ("#assign NONE", Assign(Assignee.NOBODY)),
        ("#assign Sam Reed", Assign("Sam Reed")),
        ("#assign @sam", Assign("sam")),
        ("#assign Sam@Help.Example", Assign("sam@help.example")),
        ("#workaround restart it", Workaround("restart it")),
        ("#merge #123", Merge(123)),
        ("#field project_id  blue-7,  red-1", SetField("project_id", "blue-7, red-1")),
        ("#field project_id", SetField("project_id", "")),
        ("#tag Billing", AddTag("billing")),
        ("#untag \u201c#billing\u201d.", RemoveTag("billing")),
        ("#requester <Bob@acme.example>", SetRequester("bob@acme.example")),
        ("#snooze 3 Tage.", Snooze("3 Tage")),
        ("#follow", Follow()),
        ("#unfollow", Unfollow()),
        ("#notices Mine", PreferNotices(StaffNotices.MINE)),
        ("#split", Split()),
        ("#split #12", Split(12)),
        ("#escalate", Escalate("")),
        ("#escalate  the bank\tcloses at noon ", Escalate("the bank closes at noon")),
    ],
)
def test_a_command_with_its_value(line: str, command: Command) -> None:
    assert given_by(line) == command


@pytest.mark.parametrize(
    "line",
    [
        "#escalate is not what we want",
        "#escalate does nothing here, please fix it.",
        "#escalate doesn\u2019t work",
        "#escalate funktioniert nicht",
        "#escalate ist nicht, was wir wollen",
        "#unsubscribe does not work on your newsletter",
        "#escalated twice already",
        "#12 in the list is broken\n#escalate",
    ],
)
def test_a_customers_sentence_about_a_command_is_text(line: str) -> None:
    assert participant_command(line) is None


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("#escalate", ""),
        ("#escalate do something", "do something"),
        ("#escalate Nobody answers.", "Nobody answers."),
        ("#escalate production is down", "production is down"),
    ],
)
def test_a_customers_escalation_has_a_reason_if_they_give_one(line: str, why: str) -> None:
    assert participant_command(line) == Escalate(why)


def test_each_address_of_a_cc_is_a_change_of_its_own() -> None:
    assert parse("#cc +X@acme.example, -y@acme.example z@acme.example").given == (
        AddPerson("x@acme.example"),
        AddPerson("z@acme.example"),
        RemovePerson("y@acme.example"),
    )


@pytest.mark.parametrize("line", ["#cc +{0}<mailto:{0}>", "#cc +<{0}>", "#cc {0};"])
def test_an_address_may_be_written_as_mail_programs_format_it(line: str) -> None:
    assert given_by(line.format("ann@acme.example")) == AddPerson("ann@acme.example")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("#status", "expected one of: open, pending, resolved, closed"),
        ("#status resovled", "did you mean resolved?"),
        ("#assign", "write #assign me|name|none"),
        ("#assign sam@", "not a valid email address"),
        ("#severity", "expected one of: High, Normal, Low"),
        ("#severity urgent", "no such severity"),
        ("#severity Hihg", "did you mean High?"),
        ("#cc", "name an address"),
        ("#cc +ann", "not a valid email address"),
        ("#cc +a@b.example -A@b.example", "both added and removed"),
        ("#snooze", "how long or until when"),
        ("#snooze until later", "how long or until when"),
        ("#split twelve", "number of one comment"),
        ("#tag", "name a tag"),
        ("#tag a b (c)", "cannot be a tag"),
        ("#merge seven", "the number of one ticket"),
        ("#merge 0", "the number of one ticket"),
        ("#merge \u0667", "the number of one ticket"),
    ],
)
def test_an_invalid_value_is_a_fault_that_states_what_to_write(line: str, why: str) -> None:
    assert why in fault_of(line)
    assert fault_of(line).startswith(line.split()[0])


def test_a_fault_quotes_only_the_beginning_of_a_long_value() -> None:
    assert len(fault_of("#merge " + "x" * 1500)) < 200


def test_the_usage_of_every_command_is_a_command() -> None:
    usages = [entry.usage.split("|")[0] for entry in ENTRIES]
    made = {type(command) for usage in usages for command in parse(usage).given}

    assert made | {SetSeverity} == set(get_args(Command))


# Severity


@pytest.mark.parametrize(
    ("value", "level", "reason"),
    [
        ("low", "Low", ""),
        ("P2: it ends", "High", "it ends"),
        ("Medium", "Normal", ""),
        ("Low - he found a way", "Low", "he found a way"),
    ],
)
def test_severity_takes_a_level_by_name_or_alias_and_a_reason(
    value: str, level: str, reason: str
) -> None:
    command = given_by(f"#severity {value}")

    assert isinstance(command, SetSeverity)
    assert (command.severity.name, command.reason) == (level, reason)


@pytest.mark.parametrize("value", ["critical", "P1", "sev1, it burns", "P1 - Critical"])
def test_no_mail_makes_a_ticket_critical_and_the_fault_states_it(value: str) -> None:
    assert "no mail makes a ticket critical" in fault_of(f"#severity {value}")


def test_a_level_above_the_ceiling_is_a_fault() -> None:
    (fault,) = parse("#severity high", ceiling="Normal").faults

    assert "by mail Normal is the highest" in str(fault)
    assert parse("#severity normal", ceiling="Normal").faults == ()


def test_a_critical_ceiling_does_not_allow_critical() -> None:
    assert parse("#severity critical", ceiling="Critical").given == ()


def test_a_level_may_have_a_name_of_several_words() -> None:
    levels = (Level("Down", "", True, (), 1), Level("Product question", "", False, (), 0))

    (command,) = parse_commands("#severity product Question how so", levels).given

    assert isinstance(command, SetSeverity)
    assert (command.severity.name, command.reason) == ("Product question", "how so")


def test_s6_a_workaround_lowers_by_one_level() -> None:
    levels = policies.load(None)["stakater"].levels
    chain = ["Critical", "High", "Medium", "Low"]

    assert [lowered(name, levels) for name in chain] == ["High", "Medium", "Low", None]


def test_a_level_is_lowered_by_its_alias_and_an_unknown_level_is_not() -> None:
    assert lowered("p3", LEVELS) == "Low"
    assert lowered("urgent", LEVELS) is None


# Customers


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("#unsubscribe", Unsubscribe()),
        ("\n #Unsubscribe \nthank you", Unsubscribe()),
        ("#escalate", Escalate("")),
        ("#ESCALATE nobody answers\nHello", Escalate("nobody answers")),
        ("#Eskalieren niemand antwortet", Escalate("niemand antwortet")),
        ("#abmelden", Unsubscribe()),
    ],
)
def test_a_participant_has_two_commands(text: str, command: Command) -> None:
    assert participant_command(text) == command


@pytest.mark.parametrize(
    "text",
    ["", "Hello\n#escalate", "#note", "> #unsubscribe", f"#escalate {'x' * 3000}", "#unsubscribed"],
)
def test_any_other_text_of_a_customer_is_text(text: str) -> None:
    assert participant_command(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "#escalated yesterday",
        "#escalate: now",
        "# escalate",
        "#unsubscribe!",
        "#unsubscribe does not work in your newsletter",
        "#unsubscribe me",
    ],
)
def test_a_customers_misspelt_command_is_text(text: str) -> None:
    assert participant_command(text) is None


# Laws

VALUES = st.sampled_from(
    ["", "open", "me", "low", "P1", "Critical", "3d", "123", "+a@acme.example", "x y", "ceiling"]
)
LINES = st.one_of(
    st.builds("#{} {}".format, st.sampled_from([*COMMANDS, "nonsense"]), VALUES),
    st.text(max_size=30),
    st.text("# \nnotecritalP1*-", max_size=20),
)
TEXTS = st.lists(LINES, max_size=8).map("\n".join)


def seen(text: str) -> list[str]:
    """The words that a reader sees, with letters in their ordinary width."""
    marks = "".join(c for c in text if unicodedata.category(c) != "Cf")
    return unicodedata.normalize("NFKC", marks).casefold().split()


@pytest.mark.parametrize(("comments", "is_draft"), [(MOST_EXAMINED, False), (9_999, True)])
def test_beyond_some_hundred_lines_each_that_may_be_a_command_is_none_to_publish(
    comments: int, is_draft: bool
) -> None:
    text = "#status resolved\nHello\n" + "# what this sets\n" * comments + "Bye"
    began = time.process_time()

    read, left = parse(text), without_commands(text)

    assert time.process_time() - began < 0.25
    assert bool(read.given) is not is_draft
    assert [str(fault).startswith("More than 500 lines") for fault in read.faults] == (
        [True] if is_draft else []
    )
    assert left.count("# what") == MOST_EXAMINED
    assert left.endswith("Bye")
    assert commands_first(text) == text


def test_a_command_far_below_is_not_published() -> None:
    text = "Hello\n" + "#1 of our list\n" * 600 + "#status closed\nBye"

    assert "#status" not in without_commands(text)
    assert command_lines(text)[-1] == "#status closed"


@given(TEXTS)
def test_no_text_is_lost_between_the_commands_and_the_text(text: str) -> None:
    read = parse(text)

    assert seen("\n".join((*read.lines, read.text))) == seen(text)
    assert sorted(seen(commands_first(text))) == sorted(seen(text))


@given(TEXTS)
def test_the_text_below_commands_begins_with_no_further_command(text: str) -> None:
    rest = parse(text).text

    assert parse(rest).lines == ()


@given(TEXTS)
def test_no_command_line_is_left_in_what_is_published(text: str) -> None:
    left = without_commands(text)

    assert command_lines(left) == () or not parse(text).given


@given(TEXTS)
def test_commands_that_are_moved_to_the_head_are_read_there(text: str) -> None:
    assert parse(commands_first(text)).misplaced == ()


@given(TEXTS)
def test_with_a_fault_no_command_is_given_and_without_one_every_line_counts(text: str) -> None:
    read = parse(text)

    assert not (read.faults and read.given)
    assert bool(read.lines or read.misplaced) == bool(read.faults or read.given)


@given(TEXTS, st.sampled_from([None, *(level.name for level in LEVELS)]))
def test_a_critical_level_is_never_the_result(text: str, ceiling: str | None) -> None:
    for command in parse(text, ceiling).given:
        if isinstance(command, SetSeverity):
            assert command.severity.name in ("High", "Normal", "Low")


@given(TEXTS)
def test_a_customers_first_line_is_a_command_only_by_its_exact_name(text: str) -> None:
    if participant_command(text) is not None:
        assert seen(text)[0] in ("#unsubscribe", "#escalate", "#abmelden", "#eskalieren")
