"""The line of each fault in a policy file."""

from __future__ import annotations

import time

import pytest

from rules.validation.toml_lines import lines_of, with_lines

TEXT = '''\
name = "ours"  # line 1

[severity]
default = "Low"
critical_channel = """
ceiling = "this is text"
"""
[[severity.levels]]
name = "High"
[[severity.levels]]  # line 10
name = "Low"
[[escalation.levels]]
title = "One"
[[escalation.levels]]
title = "Two"
[[escalation.levels.roster]]
zone = "UTC"
[clock.calendar]
opens = "09:00"
[clock]
calendar.closes = "17:00"
'''


def test_settings_and_sections_have_their_lines() -> None:
    lines = lines_of(TEXT)

    assert (lines["name"], lines["severity"], lines["severity.default"]) == (1, 3, 4)
    assert (lines["clock.calendar.opens"], lines["clock.calendar.closes"]) == (19, 21)


def test_a_repeated_section_has_the_number_of_each() -> None:
    lines = lines_of(TEXT)

    assert (lines["severity.levels.0.name"], lines["severity.levels.1"]) == (9, 10)
    assert lines["escalation.levels.1.roster.0.zone"] == 17


def test_a_line_of_a_text_is_not_a_setting() -> None:
    assert "severity.ceiling" not in lines_of(TEXT)


def test_a_fault_is_found_by_its_key_or_by_the_section_around_it() -> None:
    faults = [
        "unknown setting: severity.default (…)",
        "severity.ceiling is missing",
        "severity.levels.1.aliases.0: '': empty",
        "title is missing",
    ]

    assert list(with_lines(faults, TEXT)) == [
        f"line 4: {faults[0]}",
        f"line 3: {faults[1]}",
        f"line 10: {faults[2]}",
        faults[3],
    ]


@pytest.mark.parametrize(
    "line",
    ["[" + " " * 20_000 + "!", " " * 20_000 + "!", "a" + " " * 20_000 + "!", "a." * 20_000],
    ids=["a section without end", "spaces", "a setting without =", "a key without end"],
)
def test_a_line_of_any_length_is_read_at_once(line: str) -> None:
    started = time.process_time()
    assert lines_of(f"{line}\nname = 1") == {"name": 2}
    assert time.process_time() - started < 0.3


def test_a_section_with_spaces_within_its_brackets_has_its_line() -> None:
    assert lines_of("  [ clock . calendar ]  # hours\n[[ levels ]]") == {
        "clock.calendar": 1,
        "levels.0": 2,
    }
