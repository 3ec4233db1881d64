"""Error messages for a settings file: each names what is wrong and how to fix it."""

from __future__ import annotations

import difflib
import re
import typing
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

Location = Sequence[int | str]
"""Where a value is, as pydantic gives it: the keys and list positions from the top."""


class InvalidFile(ValueError):
    """A file that was refused whole; `str()` has one line for each fault."""

    def __init__(self, source: str, faults: Sequence[str]) -> None:
        self.source = source
        self.faults = tuple(faults)
        super().__init__("\n".join(f"{source}: {fault}" for fault in faults))


def text_of(data: bytes, source: str) -> str:
    """A settings file as text. Raises InvalidFile, which names the line that is not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InvalidFile(source, [f"line {line}: not UTF-8; save the file as UTF-8"]) from error


LONGEST_NAME = 200
"""Characters of a name for which another one is suggested."""


def suggestion(name: str, known: Iterable[str]) -> str:
    """`did you mean High?`, where a known name is similar; else empty.

    To compare names takes long, so of a very long one only the beginning is looked at.
    """
    name = name[:LONGEST_NAME]
    by_folded = {each.casefold(): each for each in known}
    similar = difflib.get_close_matches(name.casefold(), by_folded, n=1)
    return f"did you mean {by_folded[similar[0]]}?" if similar else ""


EXPLAINED = 100
"""Faults of one file: to find what a name was meant to be takes long."""


def explain_all(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """One line for each fault: the key, what is wrong, and a suggestion where there is one. Of a
    file with very many, the last line says how many more there are."""
    every = error.errors(include_url=False)
    faults = every[:EXPLAINED]
    locations = [fault["loc"] for fault in faults]
    explained = [
        explain(fault, model)
        for fault in faults
        if fault["type"] != "too_short" or not _has_fault_within(fault["loc"], locations)
    ]
    more = len(every) - len(faults)
    return [*explained, f"and {more:,} more"] if more else explained


def explain_first(error: ValidationError, model: type[BaseModel]) -> str:
    """The message for the first fault; of one in no single value, its own."""
    fault = error.errors(include_url=False)[0]
    return explain(fault, model) if fault["loc"] else fault["msg"].removeprefix("Value error, ")


def _has_fault_within(location: Location, locations: Iterable[Location]) -> bool:
    """Whether another fault lies deeper: pydantic also counts a list short of a refused entry."""
    depth = len(location)
    return any(len(each) > depth and each[:depth] == location for each in locations)


def explain(fault: ErrorDetails, model: type[BaseModel], name: str = "") -> str:
    """The message for one fault; `name` replaces its key where the user knows it by another."""
    location = fault["loc"]
    parts = [_beginning(str(part)) for part in location if part != "[key]"]  # the name in a table
    key = name or ".".join(parts) or "the whole file"
    if fault["type"] == "extra_forbidden":
        if instead := _removed_at(model, location):
            return f"{key} is no longer a setting: {instead}"
        known = _keys_at(model, location[:-1])
        hint = (
            suggestion(str(location[-1]), known) or f"expected one of: {', '.join(sorted(known))}"
        )
        return f"unknown setting: {key} ({hint})"
    if fault["type"] == "missing":
        return f"{key} is missing"
    field = _field_at(model, location)
    given = "" if isinstance(fault["input"], dict | list | BaseModel) else f"{shown(fault)}: "
    if message := _wrong_structure(fault, key, field):
        return f"{key}: {given}{message}"
    if field is not None and field.description is not None and fault["type"] in _DESCRIBED:
        return f"{key}: {given}{field.description}"
    message = _wrong_value(fault) or fault["msg"].removeprefix("Value error, ")
    names_value = bool(given) and message.startswith(shown(fault))
    return f"{key}: {message if names_value else given + message}"


_DESCRIBED = ("string_pattern_mismatch", "too_short", "dict_type")
"""Faults for which the field's own description states what to write."""


def _wrong_structure(fault: ErrorDetails, key: str, field: FieldInfo | None) -> str:
    """The message where a section or a list was expected; empty for any other fault."""
    if fault["type"].startswith("model_"):
        return f"must be a section; write [{key}] and its settings below it"
    if fault["type"] != "tuple_type":
        return ""
    if field is not None and _section(field.annotation) is not None:
        return f"must be a list of sections; write [[{key}]] above each of them"
    example = f"[{shown(fault)}]" if isinstance(fault["input"], date) else '["one", "two"]'
    return f"must be a list in brackets, such as {example}"


def _wrong_value(fault: ErrorDetails) -> str:
    """The message for a value of another type or out of its bounds; empty for any other fault."""
    kind, context = fault["type"], fault.get("ctx", {})
    if kind in ("literal_error", "enum"):
        choices = _QUOTED.findall(context.get("expected", ""))
        hint = suggestion(str(fault["input"]), choices)
        return f"expected one of: {', '.join(choices)}{f' ({hint})' if hint else ''}"
    # Text that was changed before it was measured is counted as if it were a list.
    is_text = kind == "too_short" and isinstance(fault["input"], str)
    if (kind == "string_too_short" or is_text) and context["min_length"] == 1:
        return "must not be empty"
    if kind in _BOUNDS:
        return _BOUNDS[kind].format(**{name: _plain(bound) for name, bound in context.items()})
    return next((text for prefix, text in _TYPES.items() if kind.startswith(prefix)), "")


def _plain(bound: object) -> object:
    """A bound without a fraction of zero: 200, not 200.0."""
    return int(bound) if isinstance(bound, float) and bound.is_integer() else bound


_QUOTED = re.compile(r"'([^']+)'")
_BOUNDS = {
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_long": "must have at most {max_length} entries",
}
"""By the names of pydantic's faults."""
_TYPES = {
    "bool_": "must be true or false, without quotes",
    "int_": "must be a whole number, without quotes",
    "float_": "must be a number, without quotes",
    "string_type": "must be text in quotes",
    "date_": "must be a date with year, month and day, such as 2026-12-24",
}
"""By the beginnings of the names of pydantic's faults."""


LONGEST_VALUE = 200
"""Characters of a wrong value that its message shows."""
LOOKED_AT = 10_000
"""Characters of it in which a password is looked for: none is so long, and a value may be."""


def shown(fault: ErrorDetails) -> str:
    """The beginning of the value as TOML has it, without the password of a URL."""
    value = fault["input"]
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date | time):
        return value.isoformat()
    return _beginning(
        repr(without_password(value[:LOOKED_AT]) if isinstance(value, str) else value)
    )


def _beginning(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def without_password(url: str) -> str:
    """The URL with its password replaced by ***.

    A wrong value may be any text of any length, so this takes one pass.
    """
    head, at, tail = url.rpartition("@")
    if at and (user := _USER.search(head)):
        url = f"{head[: user.end()]}***@{tail}"
    return _PARAMETER.sub("***", url)


_USER = re.compile(r"(?:^|//)[^/@:\s]*:(?!//)")
"""What stands before a password. That ends at the last `@`: one that is not written as a URL needs
it has any characters."""
_PARAMETER = re.compile(r"(?<=[?&]password=)[^&]*")


def _field_at(model: type[BaseModel], location: Location) -> FieldInfo | None:
    """The field at a location, through lists and optional sections; None where there is none."""
    current: type[BaseModel] | None = model
    field: FieldInfo | None = None
    by_name = False
    """The next part is a name in a table of sections."""
    for part in location:
        if isinstance(part, int) or by_name:
            by_name = False
            continue
        field = current.model_fields.get(part) if current is not None else None
        current = _section(field.annotation) if field is not None else None
        by_name = field is not None and typing.get_origin(field.annotation) is dict
    return field


def _keys_at(model: type[BaseModel], location: Location) -> list[str]:
    """The names of the settings at a location."""
    field = _field_at(model, location)
    section = model if field is None else _section(field.annotation)
    return list(section.model_fields) if section is not None else []


def _removed_at(model: type[BaseModel], location: Location) -> str:
    """What holds in place of a setting that an earlier version had; empty for any other name."""
    field = _field_at(model, location[:-1])
    section = model if field is None else _section(field.annotation)
    removed: Mapping[str, str] = getattr(section, "removed", {})
    return removed.get(str(location[-1]), "")


def _section(annotation: object) -> type[BaseModel] | None:
    """The model within an annotation such as `Section | None`; None where there is none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in typing.get_args(annotation):
        section = _section(inner)
        if section is not None:
            return section
    return None
