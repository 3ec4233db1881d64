"""Why the registry refuses a change. Each message names what is wrong and what to do."""

from __future__ import annotations

from rules.sentence import phrase
from rules.validation.messages import InvalidFile


class RegistryRefusal(Exception):
    """A change that is refused; `str()` says why in English, `why` can be translated."""

    def __init__(self, english: str, /, **values: object) -> None:
        self.why = phrase(english, **values)
        super().__init__(str(self.why))


class NotFound(RegistryRefusal, LookupError):
    """Something that a command names is not registered."""


class AlreadyExists(RegistryRefusal, ValueError):
    """Something of that name or address is registered already."""


class InvalidValue(RegistryRefusal, ValueError):
    """A value that the registry does not accept."""


class ImportRefused(InvalidFile):
    """An import that was refused whole; `str()` names every bad line."""
