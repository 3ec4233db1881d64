"""What a notice carries besides its ticket and its comment: frozen values, stored as JSON.

A payload is stored as a flat JSON object of strings. Reading never fails: an unknown key is
ignored, and a key that is missing or has an unusable value leaves the field at its default, so that
rows which an older version has queued are still sent. Hence every field has a default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields, replace
from enum import StrEnum
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

P = TypeVar("P", bound="Payload")


@dataclass(frozen=True, slots=True)
class Payload:
    """Base class. A field is a `str`, a StrEnum, an `int | None`, or made by `listed`."""


def listed(separator: str, key: str = "") -> Any:
    """A field of type `tuple[str, ...]`, stored as one string under `key`, or the field's name.

    No item may contain the separator.
    """
    return field(default=(), metadata={"separator": separator, "key": key})


def as_stored(payload: Payload) -> dict[str, str]:
    """The JSON object of a payload; a field that has its default value is left out."""
    values = ((each, getattr(payload, each.name)) for each in fields(payload))
    return {
        _key(each): each.metadata["separator"].join(value)
        if isinstance(value, tuple)
        else str(value)
        for each, value in values
        if value != each.default
    }


def from_stored(kind: type[P], stored: Mapping[str, object]) -> P:
    """The payload that a JSON object describes, as far as it does. Never raises."""
    hints = get_type_hints(kind)
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
        if isinstance(value, tuple):
            changed[each.name] = tuple(change(item) for item in value)
        elif isinstance(value, str) and not isinstance(value, StrEnum):
            changed[each.name] = change(value)
    return replace(payload, **changed)


def _key(each: Field[Any]) -> str:
    return each.metadata.get("key") or each.name


def _read(each: Field[Any], hint: Any, text: str) -> Any:
    if get_origin(hint) is tuple:
        return tuple(item for item in text.split(each.metadata["separator"]) if item)
    (plain,) = [part for part in get_args(hint) or (hint,) if part is not NoneType]
    try:
        return plain(text)
    except ValueError:
        return each.default
