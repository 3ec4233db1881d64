"""Says what is wrong with a settings file so that its writer can mend it."""

from __future__ import annotations

import difflib
import re
import typing
from collections.abc import Iterable, Sequence
from datetime import date, time

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails


class InvalidFile(ValueError):
    """A file of settings that was refused whole, with every fault named."""

    def __init__(self, source: str, faults: Sequence[str]) -> None:
        self.source = source
        self.faults = tuple(faults)
        super().__init__("\n".join(f"{source}: {fault}" for fault in faults))


def text_of(data: bytes, source: str) -> str:
    """A settings file as text. Raises Refused with the line that is not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InvalidFile(source, [f"line {line}: not UTF-8; save the file as UTF-8"]) from error


def suggestion(word: str, known: Iterable[str]) -> str:
    """`did you mean High?`, where a known word is near; else nothing."""
    by_fold = {each.casefold(): each for each in known}
    found = difflib.get_close_matches(word.casefold(), by_fold, n=1)
    return f"did you mean {by_fold[found[0]]}?" if found else ""


def explain_all(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """One line for each fault: the key, what is wrong, and a suggestion where one is near."""
    faults = error.errors(include_url=False)
    places = [fault["loc"] for fault in faults]
    told = [f for f in faults if f["type"] != "too_short" or not _within(f, places)]
    return [explain(fault, model) for fault in told]


def _within(fault: ErrorDetails, places: Sequence[tuple[int | str, ...]]) -> bool:
    """Whether another fault lies within this one: a list is short of what was refused in it."""
    here = fault["loc"]
    return any(len(place) > len(here) and place[: len(here)] == here for place in places)


def explain(fault: ErrorDetails, model: type[BaseModel], name: str = "") -> str:
    """One fault in words; `name` stands for its key where the user knows it by another."""
    location = fault["loc"]
    key = name or ".".join(str(part) for part in location) or "the whole file"
    if fault["type"] == "extra_forbidden":
        known = _keys_at(model, location[:-1])
        hint = suggestion(str(location[-1]), known) or f"known here: {', '.join(sorted(known))}"
        return f"unknown setting: {key} ({hint})"
    if fault["type"] == "missing":
        return f"{key} is missing"
    given = "" if isinstance(fault["input"], dict | list | BaseModel) else f"{shown(fault)}: "
    field = _field_at(model, location)
    section = _section(field.annotation) if field is not None else None
    if fault["type"].startswith("model_"):
        return f"{key}: {given}this is a section; write [{key}] and its settings below it"
    if fault["type"] == "tuple_type" and section is not None:
        return f"{key}: {given}this is a list of sections; write [[{key}]] above each of them"
    if fault["type"] == "tuple_type":
        dated = isinstance(fault["input"], date)
        example = f"[{shown(fault)}]" if dated else '["one", "two"]'
        return f"{key}: {given}this is a list; write it in brackets, such as {example}"
    expected = field.description if field is not None else None
    if expected is not None and fault["type"] in _DESCRIBED:
        return f"{key}: {given}{expected}"
    message = _in_words(fault["type"]) or fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "literal_error" and (hint := _near_choice(fault)):
        message = f"{message} ({hint})"
    return f"{key}: {message if given and message.startswith(given[:-2]) else given + message}"


def _in_words(kind: str) -> str:
    """What to write where a value is of another type; empty for what only its own fault tells."""
    return next((words for begins, words in _WANTED.items() if kind.startswith(begins)), "")


_WANTED = {
    "bool_": "write true or false",
    "int_": "write a whole number, without quotes",
    "float_": "write a number, without quotes",
    "string_type": "this is a text; write it in quotes",
    "date_": "this is no date; write year, month and day, such as 2026-12-24",
}
"""By what the names of pydantic's faults begin with."""
_DESCRIBED = ("string_pattern_mismatch", "too_short", "dict_type")


def _near_choice(fault: ErrorDetails) -> str:
    """Of the values that a setting may have, the one that was meant."""
    return suggestion(
        str(fault["input"]), _QUOTED.findall(fault.get("ctx", {}).get("expected", ""))
    )


_QUOTED = re.compile(r"'([^']+)'")


def shown(fault: ErrorDetails) -> str:
    """The value as it is written in TOML, without the password of a URL."""
    value = fault["input"]
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date | time):
        return value.isoformat()
    return repr(without_password(value) if isinstance(value, str) else value)


def without_password(url: str) -> str:
    """A URL that may be shown."""
    return _PASSWORD.sub(r"\1:***@", url)


_PASSWORD = re.compile(r"(//[^/@:\s]*):[^@/\s]*@")


def _field_at(model: type[BaseModel], location: Sequence[int | str]) -> FieldInfo | None:
    """The field of the model at a place, through lists and optional sections."""
    current: type[BaseModel] | None = model
    field: FieldInfo | None = None
    for part in location:
        if isinstance(part, int):
            continue
        field = current.model_fields.get(part) if current is not None else None
        current = _section(field.annotation) if field is not None else None
    return field


def _keys_at(model: type[BaseModel], location: Sequence[int | str]) -> list[str]:
    """The setting names that the model knows at a place."""
    field = _field_at(model, location)
    section = model if field is None else _section(field.annotation)
    return list(section.model_fields) if section is not None else []


def _section(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in typing.get_args(annotation):
        section = _section(inner)
        if section is not None:
            return section
    return None
