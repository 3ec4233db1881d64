"""Calendar entries in mails (RFC 5545, RFC 6047) as one line that can be read.

icalendar reads no more of them than the line shows. It would follow a rule of a zone second by
second from 1601 on, and files can be within an entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

_READ_BYTES = 4 * 1024 * 1024
_MOST_LINES = 200
_LINE_BYTES = 1_000
_LINE = re.compile(rb"(?m)^([A-Za-z-]{1,40})((?:[;:])[^\r\n]*+(?>(?:\r?\n[ \t][^\r\n]*+)*))")
_GAP = re.compile(rb"[ \t]++")
_FOLD = re.compile(rb"\r?\n[ \t]")
_SHOWN = frozenset(
    (b"SUMMARY", b"DTSTART", b"DTEND", b"DUE", b"DURATION", b"LOCATION", b"ORGANIZER", b"ATTENDEE")
)
_REPEATS = frozenset((b"RRULE", b"RDATE"))
_ENTRIES = (b"VEVENT", b"VTODO")
_MOST_EVENTS = 5
_MOST_CHARACTERS = 200
_METHODS = {
    "REQUEST": "Invitation",
    "CANCEL": "Cancelled",
    "ADD": "Invitation",
    "REFRESH": "Asks for the current state",
    "DECLINECOUNTER": "Declined the proposed time",
}
_ANSWERS = {
    "ACCEPTED": "Accepted",
    "DECLINED": "Declined",
    "TENTATIVE": "Accepted tentatively",
    "DELEGATED": "Delegated",
    "NEEDS-ACTION": "Answered",
}
_SPACE = re.compile("[\x00-\x20\x7f-\x9f\xa0\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


def lines_of(data: bytes) -> tuple[str, ...]:
    """A line for each of the first entries; none for what is no calendar."""
    from icalendar import Calendar  # noqa: PLC0415 - 60 ms that few mails need

    try:
        reduced, left_out = _reduced(data[:_READ_BYTES])
        calendar = Calendar.from_ical(reduced.decode("utf-8", "replace"))
        method = _one_line(calendar.get("METHOD", "")).upper()
        more = (f"and {left_out} more calendar entries",) if left_out else ()
        return (*_lines(calendar, method), *more)
    except Exception:  # noqa: BLE001 - of hostile input, it raises whatever its parser raises
        return ()


def _reduced(data: bytes) -> tuple[bytes, int]:
    """A calendar with the first entries and the lines of them that are shown; and how many entries
    are left out."""
    kept = [b"BEGIN:VCALENDAR"]
    within: list[bytes] = []
    count = 0
    for found in _LINE.finditer(data):
        name = found[1].upper()
        value = _GAP.sub(b" ", _FOLD.sub(b"", found[2])).rstrip()
        if name == b"BEGIN":
            within.append(value[1:].strip().upper())
            if within[-1] in _ENTRIES:
                count += 1
                if count <= _MOST_EVENTS:
                    kept.append(b"BEGIN:" + within[-1])
        elif name == b"END" and within:
            ended = within.pop()
            if ended in _ENTRIES and count <= _MOST_EVENTS:
                kept.append(b"END:" + ended)
        elif name == b"METHOD" and within == [b"VCALENDAR"]:
            kept.insert(1, b"METHOD" + value[:_LINE_BYTES])
        elif within and within[-1] in _ENTRIES and count <= _MOST_EVENTS:
            if name in _SHOWN and len(value) <= _LINE_BYTES and len(kept) < _MOST_LINES:
                kept.append(name + value)
            elif name in _REPEATS:
                kept.append(b"RRULE:FREQ=DAILY")  # which one is not shown
    kept += [b"END:" + each for each in within[::-1] if each in _ENTRIES and count <= _MOST_EVENTS]
    return b"\r\n".join([*kept, b"END:VCALENDAR", b""]), max(0, count - _MOST_EVENTS)


def _lines(calendar: Any, method: str) -> Iterator[str]:
    for entry in (each for each in calendar.walk() if each.name in ("VEVENT", "VTODO")):
        organiser = _person(entry.get("ORGANIZER"))
        facts = (
            _one_line(entry.get("SUMMARY", "")),
            _readable_time(entry),
            _one_line(entry.get("LOCATION", "")),
            f"organiser {organiser}" if organiser else "",
        )
        yield f"{_what(entry, method)}: " + ", ".join(filter(None, facts))


def _what(entry: Any, method: str) -> str:
    attendees = entry.get("ATTENDEE", ())
    first = attendees[0] if isinstance(attendees, list) and attendees else attendees
    by = f" by {_person(first)}" if first and _person(first) else ""
    if method == "REPLY":
        answer = str(getattr(first, "params", {}).get("PARTSTAT", "")).upper()
        return _ANSWERS.get(answer, "Answered") + by
    if method == "COUNTER":
        return "Another time proposed" + by
    return _METHODS.get(method, "Calendar entry")


def _person(address: Any) -> str:
    if not address:
        return ""
    mail = _one_line(address)
    mail = mail[len("mailto:") :] if mail.lower().startswith("mailto:") else mail
    name = _one_line(getattr(address, "params", {}).get("CN", "")).strip('"')
    return f"{name} <{mail}>" if name and name != mail else mail


def _readable_time(entry: Any) -> str:
    """Empty for times of no form, which are read only here."""
    try:
        return _when(entry)
    except (ValueError, TypeError, AttributeError):
        return ""


def _when(entry: Any) -> str:
    start, end = _time(entry, "DTSTART"), _time(entry, "DTEND") or _time(entry, "DUE")
    duration = _time(entry, "DURATION")
    if isinstance(start, date) and isinstance(duration, timedelta):
        end = start + duration
    if not isinstance(start, date):
        return f"due {_moment(end)}" if isinstance(end, date) else ""
    repeats = ", repeated" if entry.get("RRULE") else ""
    if not isinstance(start, datetime):
        last = end - timedelta(days=1) if isinstance(end, date) and end > start else start
        return f"{start}{f' to {last}' if last > start else ''}{repeats}"
    until = ""
    if isinstance(end, datetime):
        same_day = end.date() == start.date() and end.utcoffset() == start.utcoffset()
        until = f"–{end:%H:%M}" if same_day else f" to {end:%Y-%m-%d %H:%M}"
    zone = _zone(start) or _one_line(getattr(entry["DTSTART"], "params", {}).get("TZID", ""))
    return f"{start:%Y-%m-%d %H:%M}{until} {zone}".rstrip() + repeats


def _time(entry: Any, name: str) -> date | datetime | timedelta | None:
    value = getattr(entry.get(name), "dt", getattr(entry.get(name), "td", None))
    return value if isinstance(value, date | timedelta) else None


def _moment(when: date) -> str:
    if not isinstance(when, datetime):
        return f"{when}"
    return f"{when:%Y-%m-%d %H:%M} {_zone(when)}".rstrip()


def _zone(when: datetime) -> str:
    offset = when.utcoffset()
    if offset is None:
        return ""
    if not offset:
        return "UTC"
    name = str(getattr(when.tzinfo, "key", "") or "")
    sign, seconds = "-" if offset < timedelta(0) else "+", abs(int(offset.total_seconds()))
    written = f"UTC{sign}{seconds // 3600:02}:{seconds % 3600 // 60:02}"
    return f"{name} ({written})" if name else written


def _one_line(value: Any) -> str:
    return _SPACE.sub(" ", str(value)[: 2 * _MOST_CHARACTERS]).strip()[:_MOST_CHARACTERS]
