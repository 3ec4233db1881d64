"""Calendar entries as one line, whatever program wrote them and whatever is in them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.parsing.invitations import lines_of

ORGANISER = "ORGANIZER;CN=Bea Berg:mailto:bea@plant.example"


def calendar(*lines: str, method: str = "REQUEST", entry: str = "VEVENT") -> bytes:
    head = ("BEGIN:VCALENDAR", "VERSION:2.0", f"METHOD:{method}", f"BEGIN:{entry}")
    return "\r\n".join((*head, *lines, f"END:{entry}", "END:VCALENDAR", "")).encode()


def line(*lines: str, method: str = "REQUEST", entry: str = "VEVENT") -> str:
    (found,) = lines_of(calendar(*lines, method=method, entry=entry))
    return found


@pytest.mark.parametrize(
    ("times", "shown"),
    [
        (["DTSTART:20261203T130000Z", "DTEND:20261203T140000Z"], "2026-12-03 13:00–14:00 UTC"),
        (["DTSTART:20261203T130000Z", "DURATION:PT90M"], "2026-12-03 13:00–14:30 UTC"),
        (
            ["DTSTART:20261203T230000Z", "DTEND:20261204T010000Z"],
            "2026-12-03 23:00 to 2026-12-04 01:00 UTC",
        ),
        (
            [
                "DTSTART;TZID=Europe/Berlin:20260703T130000",
                "DTEND;TZID=Europe/Berlin:20260703T140000",
            ],
            "2026-07-03 13:00–14:00 Europe/Berlin (UTC+02:00)",
        ),
        (
            ["DTSTART;TZID=Pacific Standard Time:20261203T130000"],
            "2026-12-03 13:00 America/Los_Angeles (UTC-08:00)",
        ),
        (
            ["DTSTART;TZID=The zone of hall 7:20261203T130000"],
            "2026-12-03 13:00 The zone of hall 7",
        ),
        (["DTSTART:20261203T130000"], "2026-12-03 13:00"),
        (["DTSTART;VALUE=DATE:20261203", "DTEND;VALUE=DATE:20261204"], "2026-12-03"),
        (["DTSTART;VALUE=DATE:20261203", "DTEND;VALUE=DATE:20261205"], "2026-12-03 to 2026-12-04"),
        (["DTSTART:20261203T130000Z", "RRULE:FREQ=WEEKLY"], "2026-12-03 13:00 UTC, repeated"),
    ],
)
def test_the_time_is_shown_with_its_zone(times: list[str], shown: str) -> None:
    assert line("SUMMARY:Repair", *times) == f"Invitation: Repair, {shown}"


@pytest.mark.parametrize("times", [["DTSTART:tomorrow"], ["DTSTART:20269903T250000Z"], []])
def test_without_a_readable_time_the_rest_is_shown(times: list[str]) -> None:
    assert line("SUMMARY:Repair", *times, ORGANISER) == (
        "Invitation: Repair, organiser Bea Berg <bea@plant.example>"
    )


@pytest.mark.parametrize(
    ("method", "state", "shown"),
    [
        ("REQUEST", "NEEDS-ACTION", "Invitation: "),
        ("CANCEL", "NEEDS-ACTION", "Cancelled: "),
        ("REPLY", "ACCEPTED", "Accepted by Ann <ann@acme.example>: "),
        ("REPLY", "DECLINED", "Declined by Ann <ann@acme.example>: "),
        ("REPLY", "TENTATIVE", "Accepted tentatively by Ann <ann@acme.example>: "),
        ("REPLY", "X-LATER", "Answered by Ann <ann@acme.example>: "),
        ("COUNTER", "TENTATIVE", "Another time proposed by Ann <ann@acme.example>: "),
        ("PUBLISH", "NEEDS-ACTION", "Calendar entry: "),
    ],
)
def test_the_method_says_what_it_is(method: str, state: str, shown: str) -> None:
    attendee = f"ATTENDEE;PARTSTAT={state};CN=Ann:mailto:ann@acme.example"

    assert line("SUMMARY:Repair", attendee, method=method) == f"{shown}Repair"


def test_a_task_is_an_entry_too() -> None:
    assert line("SUMMARY:Order parts", "DUE:20261203T130000Z", entry="VTODO") == (
        "Invitation: Order parts, due 2026-12-03 13:00 UTC"
    )


def test_a_text_on_several_lines_is_one_line_and_begins_no_command() -> None:
    found = line("SUMMARY:#close\\n#mute\\, now", "LOCATION:Hall\r\n  7\\; east")

    assert found == "Invitation: #close #mute, now, Hall 7; east"


def test_of_many_entries_the_first_are_shown_and_the_others_counted() -> None:
    entry = b"BEGIN:VEVENT\r\nSUMMARY:x\r\nEND:VEVENT\r\n"

    found = lines_of(b"BEGIN:VCALENDAR\r\n" + entry * 9 + b"END:VCALENDAR\r\n")

    assert found == ("Calendar entry: x",) * 5 + ("and 4 more calendar entries",)


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_one_that_is_cut_short_is_read_as_far_as_it_goes(end: str) -> None:
    whole = calendar("SUMMARY:Repair", "DTSTART:20261203T130000Z").replace(b"\r\n", end.encode())

    assert lines_of(whole[: whole.index(b"END:VEVENT")]) == (
        "Invitation: Repair, 2026-12-03 13:00 UTC",
    )


ZONE = (
    b"BEGIN:VTIMEZONE\r\nTZID:X\r\nBEGIN:STANDARD\r\nDTSTART:16010101T030000\r\n"
    b"TZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nRRULE:FREQ=SECONDLY\r\nEND:STANDARD\r\n"
    b"END:VTIMEZONE\r\n"
)
ENTRY = calendar("SUMMARY:Repair", "DTSTART;TZID=X:20261203T130000")


@pytest.mark.parametrize(
    "data",
    [
        ENTRY.replace(b"BEGIN:VEVENT", ZONE + b"BEGIN:VEVENT"),
        ENTRY.replace(b"BEGIN:VEVENT", ZONE * 2_000 + b"BEGIN:VEVENT"),
        ENTRY.replace(
            b"SUMMARY", b"ATTACH;ENCODING=BASE64:" + b"A\r\n A" * 500_000 + b"\r\nSUMMARY"
        ),
        ENTRY.replace(b"SUMMARY:", b"SUMMARY;" + b"A=B;" * 250_000 + b"X=Y:"),
        ENTRY.replace(b"SUMMARY:", b"SUMMARY:" + b"\\" * 1_000_000),
        ENTRY.replace(
            b"END:VEVENT", b"RRULE:FREQ=SECONDLY;BYSECOND=" + b"1," * 300_000 + b"1\r\nEND:VEVENT"
        ),
        b"BEGIN:VCALENDAR\r\n" * 60_000,
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n" + b"ATTENDEE:mailto:a@b.example\r\n" * 40_000,
        b"A" * 1_000_000,
    ],
)
def test_a_megabyte_of_anything_takes_no_second(data: bytes) -> None:
    lines_of(ENTRY)  # icalendar is imported where it is needed
    began = time.process_time()
    found = lines_of(data)
    assert time.process_time() - began < 1
    assert sum(map(len, found)) < 10_000


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_octets_give_lines_or_none(data: bytes) -> None:
    for found in lines_of(ENTRY.replace(b"Repair", data)):
        assert "\n" not in found
