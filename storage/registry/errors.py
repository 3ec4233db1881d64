"""Why the registry refuses a change. Each message names what is wrong and what to do."""

from __future__ import annotations

from rules.validation.messages import InvalidFile


class NotFound(LookupError):
    """Something that a command names is not registered."""


class AlreadyExists(ValueError):
    """Something of that name or address is registered already."""


class InvalidValue(ValueError):
    """A value that the registry does not accept."""


class ImportRefused(InvalidFile):
    """An import that was refused whole; `str()` names every bad line."""
