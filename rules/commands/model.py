"""What a mail can ask for: one value for each command, and how each is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from types import MappingProxyType

from rules.ticket.lifecycle import Status
from rules.ticket.severity import MailSeverity


@dataclass(frozen=True, slots=True)
class Note:
    """The text is for staff alone."""


@dataclass(frozen=True, slots=True)
class Public:
    """The text is for everybody on the ticket."""


@dataclass(frozen=True, slots=True)
class SetStatus:
    status: Status


class Whom(Enum):
    ME = "me"
    """Whoever gave the command."""
    NOBODY = "none"


@dataclass(frozen=True, slots=True)
class Assign:
    to: Whom | str
    """An address as `rules.mail.addresses.normalise` spells it, or a name as it was written."""


@dataclass(frozen=True, slots=True)
class Tag:
    names: tuple[str, ...]
    """In small letters, each once."""


@dataclass(frozen=True, slots=True)
class Untag:
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetSeverity:
    severity: MailSeverity
    """Its type has no critical member."""
    reason: str

    @property
    def level(self) -> str:
        return self.severity.name


@dataclass(frozen=True, slots=True)
class Workaround:
    """There is a way around the problem."""

    reason: str


@dataclass(frozen=True, slots=True)
class Cc:
    added: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Requester:
    address: str


@dataclass(frozen=True, slots=True)
class Merge:
    """This ticket goes into another."""

    into: int


@dataclass(frozen=True, slots=True)
class Split:
    """This mail becomes a ticket of its own."""


@dataclass(frozen=True, slots=True)
class Snooze:
    span: timedelta


@dataclass(frozen=True, slots=True)
class Escalate:
    reason: str
    """Empty where none was given."""


@dataclass(frozen=True, slots=True)
class OnBehalf:
    address: str


@dataclass(frozen=True, slots=True)
class Help:
    """The sender wants to know what commands there are."""


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """The sender leaves the ticket."""


Command = (
    Note
    | Public
    | SetStatus
    | Assign
    | Tag
    | Untag
    | SetSeverity
    | Workaround
    | Cc
    | Requester
    | Merge
    | Split
    | Snooze
    | Escalate
    | OnBehalf
    | Help
    | Unsubscribe
)

USAGE: Mapping[str, str] = MappingProxyType(
    {
        "note": "#note",
        "public": "#public",
        "status": "#status open|pending|resolved|closed",
        "assign": "#assign me|name|none",
        "tag": "#tag billing invoice",
        "untag": "#untag billing",
        "severity": "#severity level, and why",
        "workaround": "#workaround what it is",
        "cc": "#cc +ann@client.example -bob@client.example",
        "requester": "#requester ann@client.example",
        "merge": "#merge 123",
        "split": "#split",
        "snooze": "#snooze 3d",
        "escalate": "#escalate reason",
        "onbehalf": "#onbehalf ann@client.example",
        "help": "#help",
        "unsubscribe": "#unsubscribe",
    }
)
"""Every command by its name, as it is written."""
