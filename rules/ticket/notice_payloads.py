"""What a notice carries besides its ticket and its comment: frozen values, stored as JSON.

A payload is stored as a flat JSON object of strings. Reading never fails: an unknown key is
ignored, and a key that is missing or has an unusable value leaves the field at its default, so that
rows which an older version has queued are still sent. Hence every field has a default.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import Field, astuple, dataclass, field, fields, replace
from enum import StrEnum
from functools import lru_cache
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from rules.sentence import Sentence

P = TypeVar("P", bound="Payload")

_types_of: Callable[..., Mapping[str, Any]] = lru_cache(maxsize=64)(get_type_hints)
"""The types of a payload's fields: evaluating them takes longer than reading it."""


@dataclass(frozen=True, slots=True)
class Payload:
    """Base class. A field is a `str`, a StrEnum, an `int | None`, or made by a function below."""


def listed(separator: str, key: str = "") -> Any:
    """A field of type `tuple[str, ...]`, stored as one string under `key`, or the field's name.

    No item may contain the separator.
    """
    return field(default=(), metadata={"separator": separator, "key": key})


def reported() -> Any:
    """A field of type `tuple[Sentence, ...]`, stored as JSON in a string."""
    return field(default=(), metadata={"sentences": True})


def lines_of(kind: type[Any]) -> Any:
    """A field of type `tuple[kind, ...]`, stored as JSON in a string. `kind` is a dataclass whose
    fields are all of type `str`; those after the first have defaults."""
    return field(default=(), metadata={"lines": kind})


def as_stored(payload: Payload) -> dict[str, str]:
    """The JSON object of a payload; a field that has its default value is left out."""
    values = ((each, getattr(payload, each.name)) for each in fields(payload))
    return {_key(each): _text(each, value) for each, value in values if value != each.default}


def _text(each: Field[Any], value: Any) -> str:
    if "sentences" in each.metadata:
        return json.dumps([[one.english, one.values] for one in value], ensure_ascii=False)
    if "lines" in each.metadata:
        return json.dumps([astuple(one) for one in value], ensure_ascii=False)
    if isinstance(value, tuple):
        return str(each.metadata["separator"].join(value))
    return str(value)


def from_stored(kind: type[P], stored: Mapping[str, object]) -> P:
    """The payload that a JSON object describes, as far as it does. Never raises."""
    hints = _types_of(kind)
    found = ((each, stored.get(_key(each))) for each in fields(kind))
    return kind(
        **{
            each.name: _read(each, hints[each.name], text)
            for each, text in found
            if isinstance(text, str)
        }
    )


def map_text(payload: P, change: Callable[[str], str]) -> P:
    """The payload with each free text in it changed; numbers and enumerations stay."""
    changed: dict[str, Any] = {}
    for each in fields(payload):
        value = getattr(payload, each.name)
        if "sentences" in each.metadata:
            changed[each.name] = tuple(one.with_values(change) for one in value)
        elif "lines" in each.metadata:
            changed[each.name] = tuple(_map_line(one, change) for one in value)
        elif isinstance(value, tuple):
            changed[each.name] = tuple(change(item) for item in value)
        elif isinstance(value, str) and not isinstance(value, StrEnum):
            changed[each.name] = change(value)
    return replace(payload, **changed)


def _map_line(line: Any, change: Callable[[str], str]) -> Any:
    return type(line)(*(change(value) for value in astuple(line)))


def _key(each: Field[Any]) -> str:
    return each.metadata.get("key") or each.name


def _read(each: Field[Any], hint: Any, text: str) -> Any:
    if "sentences" in each.metadata:
        return _sentences(text)
    if "lines" in each.metadata:
        return _lines(each.metadata["lines"], text)
    if get_origin(hint) is tuple:
        return tuple(item for item in text.split(each.metadata["separator"]) if item)
    (plain,) = [part for part in get_args(hint) or (hint,) if part is not NoneType]
    try:
        return plain(text)
    except ValueError:
        return each.default


def _sentences(text: str) -> tuple[Sentence, ...]:
    """Empty for a text that does not hold sentences."""
    try:
        return tuple(
            Sentence(str(english), tuple((str(name), str(value)) for name, value in values))
            for english, values in json.loads(text)
        )
    except (TypeError, ValueError):
        return ()


def _lines(kind: type[Any], text: str) -> tuple[Any, ...]:
    """Empty for a text that does not hold such lines; values that a newer version has added to the
    end of a line are ignored."""
    most = len(fields(kind))
    try:
        return tuple(kind(*map(str, values[:most])) for values in json.loads(text))
    except (TypeError, ValueError):
        return ()
