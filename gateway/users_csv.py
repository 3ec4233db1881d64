"""Parses a CSV file of users; a file with errors is refused whole, each row named by its line."""

from __future__ import annotations

import csv
import io

from rules.mail.addresses import normalise
from rules.people import Role
from rules.validation.messages import InvalidFile, suggestion, text_of
from storage.registry.people import NewPerson

COLUMNS = ("address", "company", "name", "machine")
REQUIRED = ("address", "company")
_TRUTH = {"": False, "no": False, "false": False, "0": False, "yes": True, "true": True, "1": True}
FAULTS_SHOWN = 20


class CsvRefused(InvalidFile):
    """A CSV file that was refused whole; `str()` names every bad line."""


def parse_users(data: bytes, source: str) -> list[tuple[int, NewPerson]]:
    """The users with their line numbers. Raises CsvRefused, or InvalidFile where it is not UTF-8.

    UTF-8 with or without a byte order mark; separated by commas or semicolons. The first line
    names the columns: address, company, name (optional) and machine (optional, yes or no).
    """
    text = text_of(data, source)
    header = text.partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    columns = [(name or "").strip().lower() for name in reader.fieldnames or ()]
    faults = _column_faults(columns)
    if faults:
        raise CsvRefused(source, faults)
    reader.fieldnames = columns
    rows: list[tuple[int, NewPerson]] = []
    lines: dict[str, int] = {}
    try:
        for row in reader:
            fault, person = _person(row, lines, reader.line_num)
            if fault:
                faults.append(f"line {reader.line_num}: {fault}")
            elif person is not None:
                rows.append((reader.line_num, person))
    except csv.Error as error:
        faults.append(f"line {reader.line_num}: {error}")
    if faults:
        more = [f"and {len(faults) - FAULTS_SHOWN} more"] if len(faults) > FAULTS_SHOWN else []
        raise CsvRefused(source, faults[:FAULTS_SHOWN] + more)
    return rows


def _column_faults(columns: list[str]) -> list[str]:
    faults = []
    for column in columns:
        if column not in COLUMNS:
            hint = suggestion(column, COLUMNS) or f"expected one of: {', '.join(COLUMNS)}"
            faults.append(f"line 1: unknown column {column!r} ({hint})")
    faults += [f"line 1: column {name!r} is missing" for name in REQUIRED if name not in columns]
    return faults


def _person(
    row: dict[str | None, str | list[str] | None], lines: dict[str, int], line: int
) -> tuple[str, NewPerson | None]:
    """A fault (empty for none) and the person of one row (None after a fault or for an empty row).

    `lines` has the line of each address so far, and is updated.
    """
    if None in row:
        return "more fields than columns; put a field that contains the separator in quotes", None
    values = {key: value.strip() for key, value in row.items() if key and isinstance(value, str)}
    if not any(values.values()):
        return "", None
    address = normalise(values.get("address", ""))
    if address is None:
        return f"address: {values.get('address', '')!r} is not a valid email address", None
    if address in lines:
        return f"address: {address} is already on line {lines[address]}", None
    lines[address] = line
    if not values.get("company"):
        return "company is missing", None
    machine = _TRUTH.get(values.get("machine", "").lower())
    if machine is None:
        return f"machine: {values['machine']!r} must be yes or no", None
    return "", NewPerson(
        address,
        name=values.get("name", ""),
        role=Role.USER,
        company=values["company"],
        machine=machine,
    )
