"""Who may do what in the console."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class ConsoleRole(StrEnum):
    """The role of a user of the console. Each may do what the ones before it may."""

    VIEWER = "viewer"
    AGENT = "agent"
    OPERATOR = "operator"
    ADMIN = "admin"


class EntryUse(StrEnum):
    """What a link is for that works once."""

    PASSWORD = "password"
    """To choose a password, and log in."""
    ENTER = "enter"
    """To log in."""


class ConsoleRight(StrEnum):
    """What a page of the console shows, or what a form of it does."""

    READ = "read"
    """Tickets, mails, and why each was decided as it was."""
    HANDLE = "handle"
    """Answer and change tickets; release and delete held mail."""
    OPERATE = "operate"
    """Register people; send mail again; read policies anew."""
    ADMINISTER = "administer"
    """Who uses the console, and in which role; which mailboxes there are."""


_ADDED: Mapping[ConsoleRole, ConsoleRight] = MappingProxyType(
    {
        ConsoleRole.VIEWER: ConsoleRight.READ,
        ConsoleRole.AGENT: ConsoleRight.HANDLE,
        ConsoleRole.OPERATOR: ConsoleRight.OPERATE,
        ConsoleRole.ADMIN: ConsoleRight.ADMINISTER,
    }
)


def may(role: ConsoleRole, right: ConsoleRight) -> bool:
    """Whether users of this role have the right."""
    roles = list(ConsoleRole)
    return right in {_ADDED[each] for each in roles[: roles.index(role) + 1]}
