"""Says what is wrong with a settings file so that its writer can mend it."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Sequence

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails


class Refused(ValueError):
    """A file of settings that was refused whole, with every fault named."""

    def __init__(self, source: str, faults: Sequence[str]) -> None:
        self.source = source
        self.faults = tuple(faults)
        super().__init__("\n".join(f"{source}: {fault}" for fault in faults))


def complaints(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """One line for each fault: the key, what is wrong, and a suggestion where one is near."""
    return [_complaint(detail, model) for detail in error.errors(include_url=False)]


def _complaint(detail: ErrorDetails, model: type[BaseModel]) -> str:
    location = detail["loc"]
    key = ".".join(str(part) for part in location) or "the whole file"
    if detail["type"] == "extra_forbidden":
        known = _keys_at(model, location[:-1])
        near = difflib.get_close_matches(str(location[-1]), known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(sorted(known))}"
        return f"unknown setting: {key} ({hint})"
    if detail["type"] == "missing":
        return f"{key} is missing"
    message = detail["msg"].removeprefix("Value error, ")
    given = "" if isinstance(detail["input"], dict | list | BaseModel) else f"{detail['input']!r}: "
    return f"{key}: {given}{message}"


def _keys_at(model: type[BaseModel], location: Sequence[int | str]) -> list[str]:
    """The setting names that the model knows at a place, through lists and optional sections."""
    current: type[BaseModel] | None = model
    for part in location:
        if isinstance(part, int) or current is None:
            continue
        field = current.model_fields.get(part)
        current = _section(field.annotation) if field is not None else None
    return list(current.model_fields) if current is not None else []


def _section(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in typing.get_args(annotation):
        section = _section(inner)
        if section is not None:
            return section
    return None
